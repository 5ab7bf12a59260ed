// A stream of operations to one process, which can be asked for their results while it goes on.
//
//   daemon ---- O O … ---------> process        operations, as they come
//   daemon ---- O, Y ----------> process        one whose result is wanted now
//          <--- T B B T … R ----                records and content that the operation sends, then the results
//          <--- F -------------                 at any time: an operation failed

import { once } from "node:events";
import type { Socket } from "node:net";
import { StreamEncoder } from "../plan/encode.ts";
import type { PlanResult, PlanStream } from "../plan/executor.ts";
import type { Op } from "../plan/ops.ts";
import { decodeRecord, type TreePart } from "../plan/tree-record.ts";
import { takeReply } from "./reply.ts";
import { BodyReader, encodeFrame, type Frame, frameTypes } from "./wire-frames.ts";

const nothing = new Uint8Array(0);
const HEADER = 5;
const LIMIT = 64 << 20;
/** Bytes that may wait for the process: few wake-ups on a busy machine. */
const AHEAD = 4 << 20;

type Reply =
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "content"; readonly data: Buffer };

/** Frames as they come; content in pieces as it comes, never collected. */
class ReplyReader {
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of content that are still to come. */
  #content = 0;

  *push(chunk: Buffer): Generator<Reply, void, void> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let reply = this.#next(); reply !== undefined; reply = this.#next()) yield reply;
  }

  #next(): Reply | undefined {
    if (this.#content === 0) return this.#frame();
    if (this.#rest.length === 0) return undefined;
    const data = this.#take(Math.min(this.#content, this.#rest.length));
    this.#content -= data.length;
    return { kind: "content", data };
  }

  #frame(): Reply | undefined {
    if (this.#rest.length < HEADER) return undefined;
    const size = this.#rest.readUInt32LE(0);
    if (size > LIMIT) throw new RangeError(`a frame of ${size} bytes from gantry-exec`);
    const type = this.#rest.toString("latin1", 4, HEADER);
    if (type === frameTypes.content) {
      this.#take(HEADER);
      this.#content = size;
      return this.#next();
    }
    if (this.#rest.length < HEADER + size) return undefined;
    this.#take(HEADER);
    return { kind: "frame", frame: { type, body: this.#take(size) } };
  }

  #take(size: number): Buffer {
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }
}

async function* readReplies(socket: Socket): AsyncGenerator<Reply> {
  const reader = new ReplyReader();
  for await (const chunk of socket) if (chunk instanceof Buffer) yield* reader.push(chunk);
  throw new Error("the executor ended without a reply");
}

export class PlanSession implements PlanStream {
  readonly #socket: Socket;
  readonly #replies: AsyncGenerator<Reply>;
  /** Asked for ahead, so that a failure is heard while operations are written. */
  #next: Promise<Reply>;
  readonly #whys = new Map<number, string>();
  readonly #encoder = new StreamEncoder();
  #count = 0;
  #failed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.write(encodeFrame("stream", nothing));
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
    for await (const part of this.#exchange(ops))
      if (part.kind === "results") return ops.map((_, index) => part.results.get(first + index) ?? []);
    return [];
  }

  /** What `readTree` sends. To be read to its end. */
  async *read(op: Op): AsyncGenerator<TreePart> {
    for await (const part of this.#exchange([op])) if (part.kind !== "results") yield part;
  }

  async end(): Promise<PlanResult> {
    if (!this.#failed) {
      this.#socket.write(encodeFrame("ops", this.#encoder.end()));
      this.#socket.write(encodeFrame("end", nothing));
    }
    for (;;) {
      const reply = await this.#next;
      if (reply.kind === "frame") return takeReply(reply.frame, (index) => this.#why(index));
      this.#next = this.#fetch();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }

  async *#exchange(
    ops: readonly Op[],
  ): AsyncGenerator<TreePart | { readonly kind: "results"; readonly results: PlanResult }> {
    for (const op of ops) await this.write(op);
    this.#socket.write(encodeFrame("flush", nothing));
    for (;;) {
      const reply = await this.#next;
      if (reply.kind === "frame" && reply.frame.type === frameTypes.failed)
        takeReply(reply.frame, (index) => this.#why(index));
      this.#next = this.#fetch();
      if (reply.kind === "content") {
        yield reply;
      } else if (reply.frame.type === frameTypes.entry) {
        yield { kind: "entry", record: decodeRecord(new BodyReader(reply.frame.body)) };
      } else {
        yield { kind: "results", results: takeReply(reply.frame, (index) => this.#why(index)) };
        return;
      }
    }
  }

  #fetch(): Promise<Reply> {
    const next = this.#replies.next().then(({ value }) => value);
    const stop = (): void => {
      this.#failed = true;
      this.#socket.emit("drain");
    };
    next.then(
      (reply) => (reply.kind === "frame" && reply.frame.type === frameTypes.failed ? stop() : undefined),
      stop,
    );
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
