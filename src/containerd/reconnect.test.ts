// What a proxy promises when the process behind it is gone and back.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { isKind } from "#base/errors.ts";
import { connectContainerd } from "./proxy.ts";
import { serveContainerd } from "./server.ts";
import { openTestContainerd, scope } from "./testing/test-containerd.ts";

const io = { terminal: false, stdin: "", stdout: "", stderr: "" };
const spec = { ociVersion: "1.2.0", process: { cwd: "/", args: ["true"] } };
const exit = { exitCode: 7, exitedAt: 1_700_000_000_000 };

async function openPair() {
  await using undo = new AsyncDisposableStack();
  const local = undo.use(await openTestContainerd());
  const socket = join(local.folder, "containerd.sock");
  const open = () => serveContainerd(local.services, socket);
  const served = { by: await open() };
  undo.defer(() => served.by[Symbol.asyncDispose]());
  const remote = undo.use(connectContainerd(socket));
  const closing = undo.move();
  return {
    local,
    remote,
    socket,
    close: () => served.by[Symbol.asyncDispose](),
    reopen: async () => {
      served.by = await open();
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

test("who waits for an exit is told it by the server's successor", async () => {
  await using pair = await openPair();
  const { signal } = new AbortController();
  await pair.remote.tasks.create(scope, { containerId: "web", rootfs: [], io, spec }, signal);
  await pair.remote.tasks.start(scope, "web", "", signal);
  const waiting = pair.remote.tasks.wait(scope, "web", "", signal);
  await pair.close();
  pair.local.shims.get("web").end("", exit);
  await pair.reopen();
  assert.deepEqual(await waiting, exit);
});

test("a wait ends with its signal while no server is there", async () => {
  await using pair = await openPair();
  await pair.remote.version();
  await pair.close();
  const aborted = new AbortController();
  const waiting = pair.remote.tasks.wait(scope, "web", "", aborted.signal);
  aborted.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

test("a subscription goes on with the server's successor", async () => {
  await using pair = await openPair();
  const aborted = new AbortController();
  const events = pair.remote.events.subscribe([], aborted.signal)[Symbol.asyncIterator]();
  const first = events.next();
  const publish = setInterval(() => {
    void pair.local.services.events.publish(scope, "/told", { typeUrl: "t", value: new Uint8Array() });
  }, 5);
  try {
    assert.equal((await first).value?.topic, "/told");
    await pair.close();
    await pair.reopen();
    // What was sent before the loss may still be under way: the later ones come over the new connection.
    for (let count = 0; count < 20; count++) assert.equal((await events.next()).value?.topic, "/told");
  } finally {
    clearInterval(publish);
    aborted.abort();
  }
});

test("a call is answered by a server that comes a moment later", async () => {
  await using pair = await openPair();
  await pair.close();
  await using early = connectContainerd(pair.socket);
  const asked = early.version();
  await pair.reopen();
  assert.deepEqual(await asked, await pair.local.services.version());
});

test("a call that nobody answers is unavailable, and names the socket", async () => {
  await using pair = await openPair();
  await using nobody = connectContainerd(`${pair.socket}-of-nobody`, 100);
  await assert.rejects(
    nobody.version(),
    (error) => isKind(error, "unavailable") && /sock-of-nobody/.test(String(error)),
  );
});
