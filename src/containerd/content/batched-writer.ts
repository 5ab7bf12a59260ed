import type { ContentWriter } from "./content.ts";

const BATCH = 1 << 20;

/** Passes many small pieces on as few large ones: one buffer fills while the other is written. */
export class BatchedWriter {
  readonly #writer: Pick<ContentWriter, "write">;
  #filling: Buffer;
  #other: Buffer;
  #filled = 0;
  #passing: Promise<void> = Promise.resolve();

  /** `size`: of all that will come, in bytes, if that is known. */
  constructor(writer: Pick<ContentWriter, "write">, size = BATCH) {
    this.#writer = writer;
    const length = Math.min(BATCH, Math.max(1, size));
    this.#filling = Buffer.allocUnsafeSlow(length);
    this.#other = Buffer.allocUnsafeSlow(length);
  }

  /** The chunk is the caller's again when it resolves. Rejects with what failed before, too. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      const part = rest.subarray(0, this.#filling.length - this.#filled);
      this.#filling.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === this.#filling.length) await this.#pass();
    }
  }

  /** The writer has everything when it resolves. */
  async end(): Promise<void> {
    await this.#pass();
    await this.#passing;
  }

  async #pass(): Promise<void> {
    await this.#passing;
    const batch = this.#filling.subarray(0, this.#filled);
    [this.#filling, this.#other] = [this.#other, this.#filling];
    this.#filled = 0;
    this.#passing = this.#writer.write(batch);
    this.#passing.catch(() => undefined); // told by the next write, or by the end
  }
}
