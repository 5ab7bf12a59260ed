import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { AttachSockets, connectAttachSocket } from "./attach-sockets.ts";

test("a client that has gone away is not connected", async () => {
  const gone = new AbortController();
  gone.abort();
  await assert.rejects(connectAttachSocket("/nowhere", gone.signal), { name: "AbortError" });
});

test("a stream that cannot be offered is given up", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-attach-"));
  const sockets = new AttachSockets(folder);
  rmSync(folder, { recursive: true });
  const stream = new PassThrough();
  await assert.rejects(sockets.offer(stream));
  assert.ok(stream.destroyed);
});
