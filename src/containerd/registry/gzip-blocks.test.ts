import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { gzipInBlocks } from "./gzip-blocks.ts";

/** Text that repeats itself far apart, the same in every run. */
function sample(size: number): Buffer {
  const words = Array.from({ length: size / 32 }, (_, index) =>
    createHash("md5")
      .update(String(index % 5000))
      .digest("hex"),
  );
  return Buffer.from(words.join(""));
}

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function gzip(bytes: Buffer, chunk: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const one of gzipInBlocks(cut(bytes, chunk), () => undefined)) chunks.push(one);
  return Buffer.concat(chunks);
}

for (const size of [0, 32, 512 * 1024, 1_200_000])
  test(`${size} bytes come back from one member, however they were cut`, async () => {
    const bytes = sample(size);
    const whole = await gzip(bytes, 100_000);
    assert.ok(gunzipSync(whole).equals(bytes));
    assert.ok(whole.equals(await gzip(bytes, 7_777)));
  });

test("blocks cost less than a tenth of what one stream takes", async () => {
  const bytes = sample(1_200_000);
  assert.ok((await gzip(bytes, 65_536)).length < gzipSync(bytes).length * 1.1);
});

test("a source that fails is a failure", async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(2 << 20);
    throw new Error("gone");
  }
  await assert.rejects(Array.fromAsync(gzipInBlocks(broken(), () => undefined)), /gone/);
});
