import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decodeTaskExit } from "../events/messages.ts";
import { FakeShims } from "../testing/fake-shims.ts";
import { openTestContainerd, scope } from "../testing/test-containerd.ts";

const { signal } = new AbortController();
const io = { terminal: false, stdin: "", stdout: "", stderr: "" };
const spec = { ociVersion: "1.2.0", hostname: "web" };
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
