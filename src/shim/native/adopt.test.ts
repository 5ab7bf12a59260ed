// What a daemon does with a shim that answers in an unlucky moment, or not at all.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { WireWriter } from "#kernel/plan/wire.ts";
import { encodeFrame } from "#kernel/zygote/wire-frames.ts";
import { attachTo } from "./attach.ts";
import { NativeShim } from "./native-shim.ts";
import { NativeShims } from "./native-shims.ts";
import { isShimOf } from "./process-list.ts";

const never = new AbortController().signal;
const spec = { ociVersion: "1.2.0" };
const streams = { stdin: false, stdout: true, stderr: true };

/** Something that listens as a shim does and answers every request with these bytes. */
async function openShim(answer: Buffer | undefined) {
  const stateDir = mkdtempSync(join(tmpdir(), "gantry-shim-"));
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on("data", () => void (answer !== undefined && socket.write(answer)));
    socket.on("close", () => clients.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(join(stateDir, "shim.sock"), resolve));
  return {
    stateDir,
    server,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(stateDir, { recursive: true });
    },
  };
}

function writeProcess(writer: WireWriter, execId: string, state: number): void {
  writer.bytes(Buffer.from(execId));
  for (const number of [7, state, 5]) writer.u32(number);
  writer.u64(1_700_000_000n);
  writer.u32(0);
}

const shims = new NativeShims({
  socketPath: "",
  compile: () => ({ plan: [], undo: [] }),
  control: () => ({
    planExec: () => [],
    pids: async () => [],
    freeze: async () => {},
    update: async () => {},
  }),
  removeCgroups: async () => {},
});

async function adoptRunning(stateDir: string): Promise<NativeShim> {
  return await shims.adopt({ id: "web", stateDir, spec }, never).then((found) => {
    assert.ok(found instanceof NativeShim);
    return found;
  });
}

test("an exit that comes with the answer to the adoption is heard", async () => {
  const status = new WireWriter();
  for (const number of [1, 42]) status.u32(number); // of the request; the shim's pid
  writeProcess(status, "", 2);
  writeProcess(status, "exec", 2);
  const exit = new WireWriter();
  exit.u32(0);
  writeProcess(exit, "exec", 4);
  const answer = [encodeFrame("done", status.finish()), encodeFrame("exit", exit.finish())];
  await using fake = await openShim(Buffer.concat(answer));
  await using shim = await adoptRunning(fake.stateDir);
  assert.equal((await shim.wait("exec", never)).exitCode, 5);
});

test("nonsense from a shim loses that shim, nothing else", async () => {
  await using fake = await openShim(Buffer.from([255, 255, 255, 255, 0]));
  await assert.rejects(
    shims.adopt({ id: "web", stateDir: fake.stateDir, spec }, never),
    /the shim has ended/,
  );
});

test("who asks a silent shim for a stream may go away", async () => {
  await using fake = await openShim(undefined);
  const gone = new AbortController();
  const attaching = attachTo(fake.stateDir, "", streams, gone.signal);
  fake.server.once("connection", () => gone.abort());
  await assert.rejects(attaching, { name: "AbortError" });
});

test("a shim is known by its container and its directory", () => {
  const line = "gantry-exec\0shim\0web\0/run/a/web\0";
  assert.ok(isShimOf(line, "web", "/run/a/web"));
  assert.ok(!isShimOf(line, "web", "/run/b/web"));
  assert.ok(!isShimOf("gantry-exec\0zygote\0/run/zygote.sock\0", "web", "/run/a/web"));
  assert.ok(!isShimOf("", "web", "/run/a/web"));
});
