import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { watchHangUp } from "./hang-up.ts";

test("a client that has closed its socket is noticed, one that has ended its side is not taken for gone", async () => {
  const dir = mkdtempSync(join(tmpdir(), "gantry-hang-up-"));
  const server = createServer({ allowHalfOpen: true });
  try {
    server.listen(join(dir, "socket"));
    for (const leaves of [true, false]) {
      const client = connect({ path: join(dir, "socket"), allowHalfOpen: true });
      const [socket]: Socket[] = await once(server, "connection");
      assert.ok(socket);
      using _watch = watchHangUp(socket);
      const closed = new Promise((resolve) => socket.once("close", () => resolve("closed")));
      socket.on("error", () => undefined).resume();
      if (leaves) client.destroy();
      else client.end();
      await once(socket, "end");
      if (leaves) assert.equal(await closed, "closed");
      else {
        socket.end("still heard");
        const [heard] = await once(client, "data");
        assert.equal(String(heard), "still heard");
        client.destroy();
      }
    }
  } finally {
    server.close();
    rmSync(dir, { recursive: true });
  }
});
