// One client of the resident: a command, from its hello to its exit code.

import type { Socket } from "node:net";
import { encodePlan } from "#kernel/plan/encode.ts";
import type { PlanResult } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { readFailure } from "#kernel/zygote/failure.ts";
import { readResult } from "#kernel/zygote/reply.ts";
import { BodyReader, type Frame, FrameReader } from "#kernel/zygote/wire-frames.ts";
import type { Child, ChildRequest, Client } from "../client.ts";
import {
  childBody,
  encodeOrder,
  fromClient,
  type Hello,
  numberBody,
  readHello,
  writeBody,
} from "./frames.ts";

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
  const connection = new Connection(socket);
  const hello = readHello(await connection.next(fromClient.hello));
  const getsChild = hello.words.some((word) => spawning.has(word));
  socket.write(Buffer.concat([encodeOrder("taken"), ...(getsChild ? [encodeOrder("seal")] : [])]));
  const client = new ConnectedClient(connection, hello);
  const code = await serve({ ...hello, client, signal: connection.signal });
  socket.end(encodeOrder("exit", numberBody(code)));
}

const gone = (): Error => new Error("the command was ended");

/** Frames by their type: each is awaited before it comes, or kept until somebody asks. */
class Connection {
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #kept: Frame[] = [];
  readonly #closing = new AbortController();
  #waiting: { readonly types: string; readonly take: (frame: Frame) => void }[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#receive(Buffer.from(chunk)));
    socket.on("error", () => {}); // "close" follows
    socket.once("close", () => this.#closing.abort(gone()));
  }

  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  #receive(chunk: Buffer): void {
    this.#frames.push(chunk);
    for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
      const { type } = frame;
      const waiting = this.#waiting.find(({ types }) => types.includes(type));
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      if (waiting === undefined) this.#kept.push(frame);
      else waiting.take(frame);
    }
  }

  /** The next frame of one of the types. */
  async frame(types: string): Promise<Frame> {
    const at = this.#kept.findIndex(({ type }) => types.includes(type));
    const [kept] = at < 0 ? [] : this.#kept.splice(at, 1);
    if (kept !== undefined) return kept;
    this.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    const abort = (): void => reject(this.signal.reason);
    this.signal.addEventListener("abort", abort, { once: true });
    this.#waiting.push({ types, take: resolve });
    try {
      return await promise;
    } finally {
      this.signal.removeEventListener("abort", abort);
    }
  }

  async next(type: string): Promise<BodyReader> {
    return new BodyReader((await this.frame(type)).body);
  }

  send(frame: Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.write(frame, () => resolve()));
  }
}

/** Verbs behind which a child comes: its parent gets ready for that while the rest is decided. */
const spawning: ReadonlySet<string> = new Set(["create", "run", "exec", "restore"]);

class ConnectedClient implements Client {
  readonly pid: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly hasErrorTerminal: boolean;
  readonly #connection: Connection;

  constructor(connection: Connection, { pid, cwd, env, terminals }: Hello) {
    this.#connection = connection;
    this.pid = pid;
    this.cwd = cwd;
    this.env = env;
    this.hasErrorTerminal = terminals[2] === true;
  }

  write(fd: 1 | 2, text: string): Promise<void> {
    return this.#connection.send(encodeOrder("write", writeBody(fd, text)));
  }

  async readInput(): Promise<string> {
    void this.#connection.send(encodeOrder("read"));
    const { body } = await this.#connection.frame(fromClient.input);
    return body.toString();
  }

  readonly executor = {
    run: async (plan: Plan): Promise<PlanResult> => {
      void this.#connection.send(encodeOrder("plan", encodePlan(plan)));
      const { type, body } = await this.#connection.frame(fromClient.done + fromClient.failed);
      const reader = new BodyReader(body);
      if (type === fromClient.done) return readResult(reader);
      throw readFailure(reader, (index) => plan[index]?.why ?? "plan");
    },
  };

  async spawn(request: ChildRequest): Promise<Child> {
    const connection = this.#connection;
    const { created, executed, childFailed } = fromClient;
    void connection.send(Buffer.concat([encodeOrder("seal"), encodeOrder("child", childBody(request))]));
    const stand = async (types: string): Promise<Frame> => {
      const frame = await connection.frame(types + childFailed);
      if (frame.type !== childFailed) return frame;
      throw readFailure(new BodyReader(frame.body), (index) => request.plan[index]?.why ?? "child");
    };
    const first = await stand(created + executed);
    const running = first.type === executed ? Promise.resolve() : stand(executed).then(() => {});
    running.catch(() => {}); // a command that does not stay does not ask
    return {
      pid: new BodyReader(first.body).u32(),
      go: () => void connection.send(encodeOrder("go")),
      executed: running,
      wait: async () => {
        void connection.send(encodeOrder("wait"));
        return (await connection.next(fromClient.ended)).u32();
      },
    };
  }
}
