// Frames on a connection to gantry-exec: u32 size of the body, u8 type, body.

export const frameTypes = {
  ops: "O",
  shim: "C",
  done: "D",
  failed: "F",
  exit: "x",
  hello: "H",
} as const;

export type FrameType = keyof typeof frameTypes;

export interface Frame {
  readonly type: string;
  readonly body: Buffer;
}

const HEADER = 5;
const LIMIT = 64 << 20;

export const encodeFrame = (type: FrameType, body: Uint8Array): Buffer =>
  encodeFrameOf(frameTypes[type], body);

export function encodeFrameOf(letter: string, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + body.length);
  frame.writeUInt32LE(body.length, 0);
  frame.write(letter, 4, "latin1");
  frame.set(body, HEADER);
  return frame;
}

/** Collects bytes and gives whole frames. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  next(): Frame | undefined {
    if (this.#pending.length < HEADER) return undefined;
    const size = this.#pending.readUInt32LE(0);
    if (size > LIMIT) throw new RangeError(`a frame of ${size} bytes from gantry-exec`);
    if (this.#pending.length < HEADER + size) return undefined;
    const frame = {
      type: this.#pending.toString("latin1", 4, HEADER),
      body: this.#pending.subarray(HEADER, HEADER + size),
    };
    this.#pending = this.#pending.subarray(HEADER + size);
    return frame;
  }

  /** What followed the last frame that was taken. */
  get rest(): Buffer {
    return this.#pending;
  }
}

/** A cursor over a body; the sender is trusted to be our own program, so a short body is a bug. */
export class BodyReader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get ended(): boolean {
    return this.#at >= this.#body.length;
  }

  u32(): number {
    this.#at += 4;
    return this.#body.readUInt32LE(this.#at - 4);
  }

  u64(): number {
    this.#at += 8;
    return Number(this.#body.readBigUInt64LE(this.#at - 8));
  }

  bigU64(): bigint {
    this.#at += 8;
    return this.#body.readBigUInt64LE(this.#at - 8);
  }

  bytes(): Buffer {
    const size = this.u32();
    this.#at += size;
    return this.#body.subarray(this.#at - size, this.#at);
  }

  /** What was not read. */
  get rest(): Buffer {
    return this.#body.subarray(this.#at);
  }

  text(): string {
    return this.bytes().toString();
  }
}
