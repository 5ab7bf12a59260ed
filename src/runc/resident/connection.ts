// One client of the resident: a command, from its hello to its exit code.

import type { Socket } from "node:net";
import { encodePlan } from "#kernel/plan/encode.ts";
import type { PlanResult } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { readResult } from "#kernel/zygote/reply.ts";
import { BodyReader, type Frame, frameTypes } from "#kernel/zygote/wire-frames.ts";
import { createValues, encodeRequest, type ProcessStatus } from "#shim/native/bodies.ts";
import { ShimControl } from "#shim/native/control.ts";
import type { RequestName, RequestValues } from "#shim/native/requests.table.ts";
import type { Child, ChildRequest, Client } from "../client.ts";
import { type Hello, readHello } from "./frames.ts";

export interface Command extends Hello {
  readonly client: Client;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** Serves what comes over the socket, by `serve`; resolves when the command has its exit code or its client is gone. */
export async function serveConnection(
  socket: Socket,
  serve: (command: Command) => Promise<number>,
): Promise<void> {
  const greeted = Promise.withResolvers<Frame>();
  const ended = Promise.withResolvers<ProcessStatus>();
  const control = new ShimControl(socket, ended.resolve, greeted.resolve);
  const closing = new AbortController();
  socket.once("close", () => {
    const gone = new Error("the command was ended");
    closing.abort(gone);
    greeted.reject(gone);
    ended.reject(gone);
  });
  ended.promise.catch(() => {}); // not every command waits for a process
  const { type, body } = await greeted.promise;
  if (type !== frameTypes.hello) throw new Error("a client that does not say hello");
  const hello = readHello(new BodyReader(body));
  const seals = hello.words.some((word) => spawning.has(word));
  socket.write(encodeRequest("taken", 0, { seals }));
  const client = new ConnectedClient({ socket, control, ended: ended.promise }, hello);
  const code = await serve({ ...hello, client, signal: closing.signal });
  socket.end(encodeRequest("exitWith", 0, { code }));
}

interface Connection {
  readonly socket: Socket;
  readonly control: ShimControl;
  /** The end of the command's child. */
  readonly ended: Promise<ProcessStatus>;
}

/** Verbs behind which a child comes: its parent gets ready for that while the rest is decided. */
const spawning: ReadonlySet<string> = new Set(["create", "run", "exec", "restore"]);

class ConnectedClient implements Client {
  readonly pid: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly hasErrorTerminal: boolean;
  readonly #connection: Connection;

  constructor(connection: Connection, { pid, cwd, env, hasErrorTerminal }: Hello) {
    this.#connection = connection;
    this.pid = pid;
    this.cwd = cwd;
    this.env = env;
    this.hasErrorTerminal = hasErrorTerminal;
  }

  /** What has no reply; resolves when it is on its way. */
  #order<K extends RequestName>(name: K, values: RequestValues<K>): Promise<void> {
    const { socket } = this.#connection;
    return new Promise((resolve) => socket.write(encodeRequest(name, 0, values), () => resolve()));
  }

  write(fd: 1 | 2, text: string): Promise<void> {
    return this.#order("output", { fd, data: Buffer.from(text) });
  }

  async readInput(): Promise<string> {
    const result = await this.executor.run([{ op: "readInput", why: "standard input" }]);
    return Buffer.from(result.get(0)?.[0] ?? []).toString();
  }

  readonly executor = {
    run: async (plan: Plan): Promise<PlanResult> => {
      const whyOf = (index: number): string => plan[index]?.why ?? "plan";
      return readResult(await this.#connection.control.request("plan", { plan: encodePlan(plan) }, whyOf));
    },
  };

  async spawn(request: ChildRequest): Promise<Child> {
    const { control, ended } = this.#connection;
    const { plan } = request;
    const whyOf = (index: number): string => plan[index]?.why ?? "child";
    if (request.foreground) void this.#order("hold", {});
    const waits = plan.some(({ op }) => op === "awaitStart");
    const values = createValues("", { kind: "inherited", preserved: request.preservedFds }, { plan });
    const created = await control.request("create", values, whyOf);
    created.u32();
    const executed = Promise.withResolvers<void>();
    executed.promise.catch(() => {}); // a command that does not stay does not ask
    const go = (): void => {
      control.request("start", {}, whyOf).then(() => executed.resolve(), executed.reject);
    };
    if (!waits) executed.resolve();
    return {
      pid: created.u32(),
      go: waits ? go : () => {},
      executed: executed.promise,
      wait: async () => {
        void this.#order("wait", {});
        return (await ended).exitCode;
      },
    };
  }
}
