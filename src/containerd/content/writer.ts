// One ingest being written. Small content is hashed as it passes; larger content by the hashing thread, which follows the file.

import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { EngineError, invalid } from "#base/errors.ts";
import type { Labels } from "../scope.ts";
import type { ContentWriter } from "./content.ts";
import type { GrowingHash, HashThread } from "./hash-thread.ts";

const smallContent = 1 << 20;
const advanceStep = 1 << 20;

export interface Ingest {
  readonly path: string;
  readonly expected: string;
  readonly file: FileHandle;
  readonly hashes: HashThread;
  /** The file is complete, verified and on the disk: make it the blob. Synchronous. */
  readonly publish: (digest: string, size: number, labels: Labels) => void;
  /** Forget the ingest and its bytes. */
  readonly discard: () => void;
  /** Let the next writer have the ref. */
  readonly release: () => void;
}

export class LocalWriter implements ContentWriter {
  readonly #ingest: Ingest;
  readonly #expectedSize: number;
  #offset: number;
  #small: Hash | undefined;
  #growing: GrowingHash | undefined;
  #advanced = 0;
  #closed = false;

  constructor(ingest: Ingest, offset: number, expectedSize: number) {
    this.#ingest = ingest;
    this.#offset = offset;
    this.#expectedSize = expectedSize;
    if (offset === 0) this.#small = createHash("sha256");
    else this.#growing = this.#follow();
  }

  get offset(): number {
    return this.#offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#check();
    if (this.#expectedSize > 0 && this.#offset + chunk.length > this.#expectedSize)
      throw invalid(`content is longer than its declared size of ${this.#expectedSize} bytes`);
    let written = 0;
    while (written < chunk.length) {
      const rest = chunk.subarray(written);
      const { bytesWritten } = await this.#ingest.file.write(rest, 0, rest.length, this.#offset);
      this.#small?.update(rest.subarray(0, bytesWritten));
      written += bytesWritten;
      this.#offset += bytesWritten;
    }
    if (this.#small !== undefined && this.#offset > smallContent) {
      this.#small = undefined;
      this.#growing = this.#follow();
    }
    if (this.#growing !== undefined && this.#offset - this.#advanced >= advanceStep) {
      this.#advanced = this.#offset;
      this.#growing.advance(this.#offset);
    }
  }

  async truncate(): Promise<void> {
    this.#check();
    this.#growing?.drop();
    this.#growing = undefined;
    this.#small = createHash("sha256");
    this.#advanced = 0;
    this.#offset = 0;
    await this.#ingest.file.truncate(0);
  }

  async commit(size: number, expected: string, labels: Labels): Promise<string> {
    this.#check();
    const wantedSize = size === 0 ? this.#expectedSize : size;
    if (wantedSize > 0 && this.#offset !== wantedSize) {
      if (this.#offset > wantedSize) await this.#discard();
      throw invalid(`unexpected commit size ${this.#offset}, expected ${wantedSize}: failed precondition`);
    }
    const [digest] = await Promise.all([this.#finish(), this.#ingest.file.sync()]);
    const wanted = expected === "" ? this.#ingest.expected : expected;
    if (wanted !== "" && digest !== wanted) {
      await this.#discard();
      throw invalid(`unexpected commit digest ${digest}, expected ${wanted}: failed precondition`);
    }
    this.#closed = true;
    await this.#ingest.file.close();
    try {
      this.#ingest.publish(digest, this.#offset, labels);
    } finally {
      this.#ingest.release();
    }
    return digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#growing?.drop();
    await this.#ingest.file.close();
    this.#ingest.release();
  }

  /** Bytes that can never become the blob are not kept for resuming. */
  async #discard(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#ingest.discard();
  }

  #follow(): GrowingHash {
    return this.#ingest.hashes.open(this.#ingest.path);
  }

  async #finish(): Promise<string> {
    const hex =
      this.#small === undefined ? await this.#growing?.finish(this.#offset) : this.#small.digest("hex");
    this.#growing = undefined;
    this.#small = undefined;
    return `sha256:${hex}`;
  }

  #check(): void {
    if (this.#closed) throw new EngineError("unavailable", "the content writer is closed: unavailable");
  }
}
