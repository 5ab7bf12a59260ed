// A stream of operations to one process, which can be asked for their results while it goes on.
//
//   daemon ---- O O … ---------> process        operations, as they come
//   daemon ---- O, Y ----------> process        one whose result is wanted now
//          <--- D --------------                the results so far
//          <--- F -------------                 at any time: an operation failed

import { once } from "node:events";
import type { Socket } from "node:net";
import { StreamEncoder } from "../plan/encode.ts";
import type { PlanResult, PlanStream } from "../plan/executor.ts";
import type { Op } from "../plan/ops.ts";
import { takeReply } from "./reply.ts";
import { encodeFrame, type Frame, FrameReader, frameTypes } from "./wire-frames.ts";

const nothing = new Uint8Array(0);
/** Bytes that may wait for the process: few wake-ups on a busy machine. */
const AHEAD = 4 << 20;

async function* readReplies(socket: Socket): AsyncGenerator<Frame> {
  const frames = new FrameReader();
  for await (const chunk of socket) {
    if (!(chunk instanceof Buffer)) continue;
    frames.push(chunk);
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) yield frame;
  }
  throw new Error("the executor ended without a reply");
}

export class PlanSession implements PlanStream {
  readonly #socket: Socket;
  readonly #replies: AsyncGenerator<Frame>;
  /** Asked for ahead, so that a failure is heard while operations are written. */
  #next: Promise<Frame>;
  readonly #whys = new Map<number, string>();
  readonly #encoder = new StreamEncoder();
  #count = 0;
  #failed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#replies = readReplies(socket);
    this.#next = this.#fetch();
  }

  /** Resolves when more may be written; rejects with PlanError once an operation has failed. */
  async write(op: Op): Promise<void> {
    await this.#send([op.why], this.#encoder.encode(op));
  }

  /** Operations that were encoded elsewhere, back to back, none of them of an archive; `whys`: of each. */
  async writeEncoded(ops: Uint8Array, whys: readonly string[]): Promise<void> {
    await this.#send(whys, ops);
  }

  /** The results of one operation. */
  async ask(op: Op): Promise<readonly Uint8Array[]> {
    const [values = []] = await this.askAll([op]);
    return values;
  }

  /** The results of each. */
  async askAll(ops: readonly Op[]): Promise<readonly (readonly Uint8Array[])[]> {
    const first = this.#count;
    for (const op of ops) await this.write(op);
    this.#socket.write(encodeFrame("flush", nothing));
    const results = this.#take(await this.#next);
    this.#next = this.#fetch();
    return ops.map((_, index) => results.get(first + index) ?? []);
  }

  async end(): Promise<PlanResult> {
    if (!this.#failed) {
      this.#socket.write(encodeFrame("ops", this.#encoder.end()));
      this.#socket.write(encodeFrame("flush", nothing));
    }
    return this.#take(await this.#next);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }

  #take(frame: Frame): PlanResult {
    return takeReply(frame, (index) => this.#why(index));
  }

  #fetch(): Promise<Frame> {
    const next = this.#replies.next().then(({ value }) => value);
    const stop = (): void => {
      this.#failed = true;
      this.#socket.emit("drain");
    };
    next.then(({ type }) => (type === frameTypes.failed ? stop() : undefined), stop);
    return next;
  }

  async #send(whys: readonly string[], ops: Uint8Array): Promise<void> {
    if (this.#failed) await this.end();
    for (const why of whys) this.#remember(why);
    this.#socket.write(encodeFrame("ops", ops));
    if (this.#socket.writableLength < AHEAD) return;
    await once(this.#socket, "drain");
  }

  /** For the error message; what lies this far back has been done. */
  #remember(why: string): void {
    const REMEMBERED = 16384;
    this.#whys.set(this.#count, why);
    this.#whys.delete(this.#count - REMEMBERED);
    this.#count++;
  }

  #why(index: number): string {
    return this.#whys.get(index) ?? "stream";
  }
}
