import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { bridge } from "./bridge.ts";

test("a stream that ended before it was bridged ends the connection", async () => {
  const stream = new PassThrough();
  stream.end();
  stream.resume();
  await once(stream, "end");
  const socket = new PassThrough();
  assert.equal(await bridge(socket, stream, { stdin: false, detachKeys: undefined }), "output-ended");
  assert.ok(socket.writableEnded);
});
