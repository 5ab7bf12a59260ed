// DNS messages on a stream: u16 length in front of each (RFC 1035, 4.2.2).

const LENGTH_SIZE = 2;
export const LARGEST_MESSAGE = 0xffff;

export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(LENGTH_SIZE + message.length);
  frame.writeUInt16BE(message.length, 0);
  frame.set(message, LENGTH_SIZE);
  return frame;
}

/** Collects bytes and gives whole messages; holds at most one that is not whole, and what came with it. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  next(): Buffer | undefined {
    if (this.#pending.length < LENGTH_SIZE) return undefined;
    const end = LENGTH_SIZE + this.#pending.readUInt16BE(0);
    if (this.#pending.length < end) return undefined;
    const message = this.#pending.subarray(LENGTH_SIZE, end);
    this.#pending = this.#pending.subarray(end);
    return message;
  }
}
