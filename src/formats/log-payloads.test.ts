import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame } from "./log-frames.ts";
import { LogPayloads } from "./log-payloads.ts";

for (const step of [1, 3, 8, 11, 1000]) {
  test(`payloads are the same in pieces of ${step} bytes`, () => {
    const frames = Buffer.concat([
      encodeFrame(1, Buffer.from("out\n")),
      encodeFrame(2, Buffer.alloc(0)),
      encodeFrame(2, Buffer.from("err\n")),
    ]);
    const payloads = new LogPayloads();
    let text = "";
    for (let at = 0; at < frames.length; at += step)
      text += payloads.take(frames.subarray(at, at + step)).toString();
    assert.equal(text, "out\nerr\n");
  });
}
