// The executor, reached over the zygote's socket: one connection, and one process forked for it, for each plan.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encodeOp, encodePlan } from "../plan/encode.ts";
import type { Executor, PlanResult, PlanStream } from "../plan/executor.ts";
import type { Op, Plan } from "../plan/ops.ts";
import { readFailure } from "./failure.ts";
import { BodyReader, encodeFrame, type Frame, FrameReader, frameTypes } from "./wire-frames.ts";

const nothing = new Uint8Array(0);

export function readResult(body: BodyReader): PlanResult {
  const result = new Map<number, Uint8Array[]>();
  const count = body.u32();
  for (let i = 0; i < count; i++) {
    const index = body.u32();
    const values = result.get(index) ?? [];
    values.push(body.bytes());
    result.set(index, values);
  }
  return result;
}

/** The one reply of a connection. */
async function readReply(socket: Socket): Promise<Frame> {
  const frames = new FrameReader();
  for await (const chunk of socket) {
    if (!(chunk instanceof Buffer)) continue;
    frames.push(chunk);
    const frame = frames.next();
    if (frame !== undefined) return frame;
  }
  throw new Error("the executor ended without a reply");
}

function takeReply({ type, body }: Frame, whyOf: (index: number) => string): PlanResult {
  const reader = new BodyReader(body);
  if (type === frameTypes.done) return readResult(reader);
  throw readFailure(reader, whyOf);
}

/** Opens a connection that dies with the signal. */
export async function openConnection(path: string, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = connect({ path });
  const abort = (): void => void socket.destroy(new Error("aborted", { cause: signal.reason }));
  signal.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", abort));
  socket.on("error", () => undefined); // whoever reads is told; between two reads nobody listens
  await once(socket, "connect");
  return socket;
}

class SocketStream implements PlanStream {
  readonly #socket: Socket;
  readonly #reply: Promise<Frame>;
  readonly #whys = new Map<number, string>();
  #count = 0;
  #failed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.write(encodeFrame("stream", nothing));
    this.#reply = readReply(socket);
    this.#reply.then(
      () => this.#stop(),
      () => this.#stop(),
    );
  }

  #stop(): void {
    this.#failed = true;
    this.#socket.emit("drain");
  }

  async write(op: Op): Promise<void> {
    if (this.#failed) await this.end();
    this.#remember(op.why);
    if (this.#socket.write(encodeFrame("ops", encodeOp(op)))) return;
    await once(this.#socket, "drain");
  }

  /** For the error message; what lies this far back has been done. */
  #remember(why: string): void {
    const REMEMBERED = 16384;
    this.#whys.set(this.#count, why);
    this.#whys.delete(this.#count - REMEMBERED);
    this.#count++;
  }

  async end(): Promise<PlanResult> {
    if (!this.#failed) this.#socket.write(encodeFrame("end", nothing));
    return takeReply(await this.#reply, (index) => this.#whys.get(index) ?? "stream");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}

/** An executor over the socket of a running zygote; any thread may make one. */
export function connectExecutor(socketPath: string): Executor {
  return {
    run: async (plan: Plan, signal: AbortSignal): Promise<PlanResult> => {
      const socket = await openConnection(socketPath, signal);
      try {
        socket.write(encodeFrame("plan", encodePlan(plan)));
        return takeReply(await readReply(socket), (index) => plan[index]?.why ?? "plan");
      } finally {
        socket.destroy();
      }
    },
    openStream: async (signal) => new SocketStream(await openConnection(socketPath, signal)),
  };
}
