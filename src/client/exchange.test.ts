import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Exchange } from "./exchange.ts";

test("a body that is not taken to its end is let go when the connection ends", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-exchange-"));
  const path = join(folder, "x.sock");
  const server = createServer((request) => request.once("data", () => request.socket.destroy()));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const ended = Promise.withResolvers<void>();
  const body = (async function* () {
    try {
      for (;;) yield Buffer.alloc(1 << 20);
    } finally {
      ended.resolve();
    }
  })();
  try {
    using exchange = new Exchange({ kind: "unix", text: `unix://${path}`, path });
    const request = { method: "POST", path: "/images/load", body } as const;
    await assert.rejects(exchange.send(request, new AbortController().signal));
    await ended.promise;
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
