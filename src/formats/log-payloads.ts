// The payloads of Docker's multiplexed stream (log-frames.ts), for those who do not tell the streams apart.

const HEADER_BYTES = 8;

export class LogPayloads {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #left = 0;

  /** Nothing is held back but the parts of a header. */
  take(chunk: Uint8Array): Buffer {
    const payloads: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const payload = chunk.subarray(at, at + this.#left);
        this.#left -= payload.length;
        at += payload.length;
        payloads.push(payload);
        continue;
      }
      const part = chunk.subarray(at, at + HEADER_BYTES - this.#headerBytes);
      this.#header.set(part, this.#headerBytes);
      this.#headerBytes += part.length;
      at += part.length;
      if (this.#headerBytes < HEADER_BYTES) break;
      this.#left = this.#header.readUInt32BE(4);
      this.#headerBytes = 0;
    }
    return Buffer.concat(payloads);
  }
}
