import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { decodeFrames, encodeFrame } from "./log-frames.ts";

async function textsOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  const frames = await Array.fromAsync(decodeFrames(Readable.from(chunks)));
  return frames.map(({ stream, payload }) => `${stream}:${Buffer.from(payload).toString()}`);
}

test("a frame is a header of eight bytes and its payload", () => {
  assert.equal(encodeFrame(2, Buffer.from("oops")).toString("hex"), `0200000000000004${"6f6f7073"}`);
});

test("frames of both streams come out in order", async () => {
  const bytes = Buffer.concat([encodeFrame(1, Buffer.from("out")), encodeFrame(2, Buffer.from("err"))]);
  assert.deepEqual(await textsOf([bytes]), ["1:out", "2:err"]);
});

test("a stream cut at every byte decodes to the same bytes", async () => {
  const bytes = Buffer.concat([encodeFrame(1, Buffer.from("ab")), encodeFrame(1, Buffer.from("c"))]);
  const pieces = [...bytes].map((byte) => Uint8Array.of(byte));
  assert.deepEqual(await textsOf(pieces), ["1:a", "1:b", "1:c"]);
});

test("an end inside a frame is an error", async () => {
  await assert.rejects(textsOf([encodeFrame(1, Buffer.from("abc")).subarray(0, 9)]), /unexpected EOF/);
});

test("a byte that names no stream is an error", async () => {
  await assert.rejects(textsOf([Buffer.from("HTTP/1.1 200")]), /Unrecognized input header: 72/);
});
