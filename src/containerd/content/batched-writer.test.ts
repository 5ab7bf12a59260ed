import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchedWriter } from "./batched-writer.ts";

const MIB = 1 << 20;

/** Copies what it is given, a turn of the event loop later: as a file is written. */
class SlowWriter {
  readonly sizes: number[] = [];
  readonly #chunks: Buffer[] = [];
  failing: Error | undefined;

  async write(chunk: Uint8Array): Promise<void> {
    await new Promise(setImmediate);
    if (this.failing !== undefined) throw this.failing;
    this.sizes.push(chunk.length);
    this.#chunks.push(Buffer.from(chunk));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

const numbered = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, index) => index));

test("small pieces come in order, by megabytes, and may be changed once they were taken", async () => {
  const writer = new SlowWriter();
  const batched = new BatchedWriter(writer);
  const piece = numbered(100_003);
  const wanted: Buffer[] = [];
  for (let index = 0; index < 40; index++) {
    piece[0] = index;
    wanted.push(Buffer.from(piece));
    await batched.write(piece);
  }
  await batched.end();
  assert.deepEqual(writer.sizes, [MIB, MIB, MIB, 40 * 100_003 - 3 * MIB]);
  assert.ok(writer.bytes.equals(Buffer.concat(wanted)));
});

test("a piece may be larger than a batch, and a batch as small as all that comes", async () => {
  const large = new SlowWriter();
  const batched = new BatchedWriter(large);
  await batched.write(numbered(3 * MIB + 5));
  await batched.end();
  assert.ok(large.bytes.equals(numbered(3 * MIB + 5)));
  const small = new SlowWriter();
  const few = new BatchedWriter(small, 10);
  await few.write(numbered(25));
  await few.end();
  assert.deepEqual(small.sizes, [10, 10, 5]);
});

test("what fails is told by a later write or by the end", async () => {
  const writer = new SlowWriter();
  const batched = new BatchedWriter(writer, 4);
  writer.failing = new Error("no space left on device");
  await batched.write(numbered(4));
  await assert.rejects(() => batched.write(numbered(4)), /no space left/);
  const other = new BatchedWriter(writer, 4);
  await other.write(numbered(3));
  await assert.rejects(() => other.end(), /no space left/);
});
