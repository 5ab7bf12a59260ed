import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { isKind } from "#base/errors.ts";
import type { ProcessExit } from "#shim/shim.ts";
import { decodeTaskExit } from "../events/messages.ts";
import { FakeShim, FakeShims } from "../testing/fake-shims.ts";
import { openTestContainerd, scope } from "../testing/test-containerd.ts";

const { signal } = new AbortController();
const io = { terminal: false, stdin: "", stdout: "", stderr: "" };
const spec = { ociVersion: "1.2.0", hostname: "web" };
const init = { containerId: "web", execId: "" };
const exit = { exitCode: 3, exitedAt: 1_700_000_000_500 };

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "gantry-restore-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A daemon that makes a task and goes. */
async function leaveTask(folder: string, started: boolean) {
  await using first = await openTestContainerd(folder);
  await first.services.tasks.create(scope, { containerId: "web", rootfs: [], io, spec }, signal);
  if (started) await first.services.tasks.start(scope, "web", "", signal);
  return first.shims.get("web");
}

test("a running task is adopted and followed to its end", async () => {
  using folder = temporaryFolder();
  const shim = await leaveTask(folder.path, true);
  const shims = new FakeShims();
  shims.orphans.set("web", shim);
  await using second = await openTestContainerd(folder.path, shims);
  const { tasks } = second.services;
  const { status, pid } = await tasks.get(scope, "web", "");
  assert.deepEqual([status, pid], ["running", 101]);
  const waiting = tasks.wait(scope, "web", "", signal);
  await tasks.kill(scope, { containerId: "web", execId: "" }, 9, true);
  assert.equal((await waiting).exitCode, 137);
});

test("an exec of an earlier daemon can be waited for and removed", async () => {
  using folder = temporaryFolder();
  const shim = await leaveTask(folder.path, true);
  await shim.exec("one");
  const shims = new FakeShims();
  shims.orphans.set("web", shim);
  await using second = await openTestContainerd(folder.path, shims);
  const { tasks } = second.services;
  await assert.rejects(tasks.wait(scope, "web", "../one", signal), /identifier "..\/one" must match/);
  const waiting = tasks.wait(scope, "web", "one", signal);
  await assert.rejects(tasks.delete(scope, "web", "one"), /is running/);
  shim.end("one", exit);
  assert.deepEqual(await waiting, exit);
  assert.deepEqual(await tasks.delete(scope, "web", "one"), exit);
});

test("a task that was not started is not taken for running", async () => {
  using folder = temporaryFolder();
  const shims = new FakeShims();
  shims.orphans.set("web", await leaveTask(folder.path, false));
  await using second = await openTestContainerd(folder.path, shims);
  assert.equal((await second.services.tasks.get(scope, "web", "")).status, "created");
});

test("an exit that nobody saw is told to whoever subscribes at once", async () => {
  using folder = temporaryFolder();
  await leaveTask(folder.path, true);
  const shims = new FakeShims();
  shims.orphans.set("web", exit);
  await using second = await openTestContainerd(folder.path, shims);
  const { tasks, events } = second.services;
  const closing = new AbortController();
  for await (const { event } of events.subscribe(["topic==/tasks/exit"], closing.signal)) {
    assert.equal(decodeTaskExit(event)?.exitCode, 3);
    break;
  }
  assert.equal((await tasks.get(scope, "web", "")).status, "stopped");
  assert.deepEqual(await tasks.wait(scope, "web", "", signal), exit);
  assert.deepEqual(await tasks.delete(scope, "web", ""), exit);
});

test("a task whose shim is lost, or that was half made, is cleaned away", async () => {
  using folder = temporaryFolder();
  await leaveTask(folder.path, true);
  mkdirSync(join(folder.path, "run/tasks/test/half"));
  await using second = await openTestContainerd(folder.path);
  assert.deepEqual(await second.services.tasks.list(scope), []);
  assert.deepEqual([...second.shims.cleaned].sort(), ["half", "web"]);
  assert.deepEqual(readdirSync(join(folder.path, "run/tasks/test")), []);
});

/** The daemon after the one that left a running task, whose shim says nothing. */
async function findSilent(folder: string) {
  await leaveTask(folder, true);
  const shims = new FakeShims();
  const answer = Promise.withResolvers<FakeShim | ProcessExit>();
  shims.silent.set("web", answer);
  return { layer: await openTestContainerd(folder, shims), answer };
}

test("a shim that does not answer costs only its own task, until it answers", async () => {
  using folder = temporaryFolder();
  const { layer, answer } = await findSilent(folder.path);
  await using _layer = layer;
  const { tasks } = layer.services;
  await tasks.create(scope, { containerId: "other", rootfs: [], io, spec }, signal);
  assert.equal((await tasks.get(scope, "web", "")).status, "unknown");
  await assert.rejects(tasks.kill(scope, init, 15, false), (error) => isKind(error, "unavailable"));
  await assert.rejects(tasks.pids(scope, "web"), (error) => isKind(error, "unavailable"));
  await assert.rejects(tasks.delete(scope, "web", ""), /must be stopped before deletion/);
  const waiting = tasks.wait(scope, "web", "", signal);
  const shim = new FakeShim({ id: "web", stateDir: "", spec, rootfs: [], io: { kind: "null" } });
  answer.resolve(shim);
  await setImmediate();
  assert.equal((await tasks.get(scope, "web", "")).status, "running");
  shim.end("", exit);
  assert.deepEqual(await waiting, exit);
});

test("an exec of an earlier daemon can be waited for before the shim answers", async () => {
  using folder = temporaryFolder();
  const { layer, answer } = await findSilent(folder.path);
  await using _layer = layer;
  const waiting = layer.services.tasks.wait(scope, "web", "one", signal);
  const shim = new FakeShim({ id: "web", stateDir: "", spec, rootfs: [], io: { kind: "null" } });
  await shim.exec("one");
  answer.resolve(shim);
  await setImmediate();
  shim.end("one", exit);
  assert.deepEqual(await waiting, exit);
});

test("a task whose shim does not answer can be killed and deleted", async () => {
  using folder = temporaryFolder();
  const { layer } = await findSilent(folder.path);
  await using _layer = layer;
  const { tasks } = layer.services;
  const waiting = tasks.wait(scope, "web", "", signal);
  await tasks.kill(scope, init, 9, false);
  assert.equal((await waiting).exitCode, 137);
  assert.equal((await tasks.delete(scope, "web", "")).exitCode, 137);
  assert.ok(layer.shims.cleaned.includes("web"));
});

test("a task whose shim cannot be reached is kept, and can be killed", async () => {
  using folder = temporaryFolder();
  await leaveTask(folder.path, true);
  const shims = new FakeShims();
  const answer = Promise.withResolvers<FakeShim | ProcessExit>();
  shims.silent.set("web", answer);
  answer.reject(new Error("connect EAGAIN"));
  await using layer = await openTestContainerd(folder.path, shims);
  const { tasks } = layer.services;
  assert.equal((await tasks.get(scope, "web", "")).status, "unknown");
  assert.deepEqual(shims.cleaned, []);
  await tasks.kill(scope, init, 9, false);
  assert.equal((await tasks.wait(scope, "web", "", signal)).exitCode, 137);
});

test("a shim that stops answering later is killed with its container", async () => {
  await using layer = await openTestContainerd();
  const { tasks } = layer.services;
  await tasks.create(scope, { containerId: "web", rootfs: [], io, spec }, signal);
  await tasks.start(scope, "web", "", signal);
  layer.shims.get("web").mute = true;
  const unavailable = (error: unknown): boolean => isKind(error, "unavailable");
  await assert.rejects(tasks.resizePty(scope, init, { rows: 1, cols: 1 }), unavailable);
  await assert.rejects(tasks.closeStdin(scope, "web", ""), unavailable);
  const waiting = tasks.wait(scope, "web", "", signal);
  await assert.rejects(tasks.kill(scope, init, 15, false), (error) => isKind(error, "unavailable"));
  await tasks.kill(scope, init, 9, false);
  assert.equal((await waiting).exitCode, 137);
});

test("a container that could not be paused is not taken for paused by the next daemon", async () => {
  using folder = temporaryFolder();
  let shim: FakeShim;
  {
    await using first = await openTestContainerd(folder.path);
    const { tasks } = first.services;
    await tasks.create(scope, { containerId: "web", rootfs: [], io, spec }, signal);
    await tasks.start(scope, "web", "", signal);
    shim = first.shims.get("web");
    shim.failPause = new Error("unable to freeze");
    await assert.rejects(tasks.pause(scope, "web"), /unable to freeze/);
  }
  const shims = new FakeShims();
  shims.orphans.set("web", shim);
  await using second = await openTestContainerd(folder.path, shims);
  assert.equal((await second.services.tasks.get(scope, "web", "")).status, "running");
});

test("an exec that is being started cannot be deleted under its start", async () => {
  await using layer = await openTestContainerd();
  const { tasks } = layer.services;
  await tasks.create(scope, { containerId: "web", rootfs: [], io, spec }, signal);
  await tasks.start(scope, "web", "", signal);
  await tasks.exec(scope, { containerId: "web", execId: "one", process: { cwd: "/" }, io }, signal);
  layer.shims.get("web").mute = true;
  void tasks.start(scope, "web", "one", signal);
  await assert.rejects(tasks.delete(scope, "web", "one"), /is being started/);
});

test("a task that could not be written leaves nothing", async () => {
  using folder = temporaryFolder();
  await using layer = await openTestContainerd(folder.path);
  const impossible = { ...spec, root: { path: "a\0b" } };
  const task = { containerId: "web", rootfs: [], io, spec: impossible };
  await assert.rejects(layer.services.tasks.create(scope, task, signal));
  assert.deepEqual(readdirSync(join(folder.path, "run/tasks/test")), []);
});
