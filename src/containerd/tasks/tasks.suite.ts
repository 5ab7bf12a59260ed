// What every tasks service must do.

import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { isKind } from "#base/errors.ts";
import { fakeUsage, scope, type TestContainerd } from "../testing/test-containerd.ts";
import { packDocument, specType } from "./spec-document.ts";

const { signal } = new AbortController();
const spec = { ociVersion: "1.2.0", hostname: "web", process: { cwd: "/", args: ["true"] } };
const io = { terminal: false, stdin: "", stdout: "", stderr: "" };
const task = { containerId: "web", rootfs: [], io, spec };
const ended = { exitCode: 3, exitedAt: 1_700_000_000_123.25 };
const init = { containerId: "web", execId: "" };

export function tasksSuite(title: string, open: () => Promise<TestContainerd>): void {
  const on = (what: string, body: (containerd: TestContainerd) => Promise<void>): void =>
    void test(`${title}: ${what}`, async () => {
      await using containerd = await open();
      await body(containerd);
    });

  on("a task lives: created, running, stopped, gone", async ({ services: { tasks }, shims }) => {
    assert.deepEqual(await tasks.create(scope, task, signal), { pid: 101 });
    assert.equal((await tasks.get(scope, "web", "")).status, "created");
    assert.deepEqual(shims.get("web").request.spec, spec);
    assert.deepEqual(await tasks.start(scope, "web", "", signal), { pid: 101 });
    assert.equal((await tasks.get(scope, "web", "")).status, "running");
    await assert.rejects(tasks.delete(scope, "web", ""), /task must be stopped before deletion: running/);
    const waiting = tasks.wait(scope, "web", "", signal);
    shims.get("web").end("", ended);
    assert.deepEqual(await waiting, ended);
    const { status, exitCode, exitedAt } = await tasks.get(scope, "web", "");
    assert.deepEqual([status, exitCode, exitedAt], ["stopped", 3, ended.exitedAt]);
    assert.deepEqual(await tasks.delete(scope, "web", ""), ended);
    await assert.rejects(tasks.get(scope, "web", ""), (error) => isKind(error, "notFound"));
    assert.deepEqual(await tasks.list(scope), []);
  });

  on("without a spec the container record's is used", async ({ services, shims }) => {
    const created = services.tasks.create(scope, { containerId: "web", rootfs: [], io }, signal);
    await assert.rejects(created, (error) => isKind(error, "notFound"));
    await services.containers.create(scope, {
      id: "web",
      labels: {},
      image: "",
      runtime: { name: "io.containerd.runc.v2" },
      spec: packDocument(specType, spec),
      snapshotter: "",
      snapshotKey: "",
      extensions: {},
    });
    await services.tasks.create(scope, { containerId: "web", rootfs: [], io }, signal);
    assert.deepEqual(shims.get("web").request.spec, spec);
  });

  on("a name is taken until its task is deleted", async ({ services: { tasks }, shims }) => {
    await tasks.create(scope, task, signal);
    await assert.rejects(tasks.create(scope, task, signal), /already exists/);
    await tasks.delete(scope, "web", "");
    assert.deepEqual(shims.get("web").calls, ["kill  9 true", "release"]);
    await tasks.create(scope, task, signal);
  });

  on("an exec that ends with its container was killed", async ({ services: { tasks }, shims }) => {
    await tasks.create(scope, task, signal);
    await tasks.start(scope, "web", "", signal);
    const exec = { containerId: "web", execId: "sh", process: { cwd: "/", args: ["sh"] }, io };
    await tasks.exec(scope, exec, signal);
    await tasks.start(scope, "web", "sh", signal);
    const waiting = tasks.wait(scope, "web", "sh", signal);
    shims.get("web").end("", ended);
    await tasks.wait(scope, "web", "", signal);
    shims.get("web").lose();
    assert.deepEqual(await waiting, { ...ended, exitCode: 137 });
  });
  on("execs are added, started, waited for and deleted", async ({ services: { tasks }, shims }) => {
    await tasks.create(scope, task, signal);
    const exec = { containerId: "web", execId: "sh", process: { cwd: "/", args: ["sh"] }, io };
    await assert.rejects(tasks.exec(scope, exec, signal), /cannot exec in a created state/);
    await tasks.start(scope, "web", "", signal);
    await tasks.exec(scope, exec, signal);
    await assert.rejects(tasks.exec(scope, exec, signal), /already exists/);
    assert.deepEqual(await tasks.start(scope, "web", "sh", signal), { pid: 102 });
    await tasks.resizePty(scope, { containerId: "web", execId: "sh" }, { rows: 24, cols: 80 });
    await tasks.closeStdin(scope, "web", "sh");
    await assert.rejects(tasks.delete(scope, "web", "sh"), /running/);
    shims.get("web").end("sh", ended);
    assert.deepEqual(await tasks.wait(scope, "web", "sh", signal), ended);
    assert.deepEqual(await tasks.delete(scope, "web", "sh"), ended);
    await assert.rejects(tasks.get(scope, "web", "sh"), (error) => isKind(error, "notFound"));
    assert.deepEqual(shims.get("web").calls, ["start", "exec sh", "resize sh 24x80", "close sh"]);
  });

  on("signals reach the process; a finished one is not found", async ({ services: { tasks }, shims }) => {
    await tasks.create(scope, task, signal);
    await tasks.start(scope, "web", "", signal);
    await tasks.kill(scope, init, 15, false);
    await tasks.kill(scope, init, 9, true);
    assert.equal((await tasks.wait(scope, "web", "", signal)).exitCode, 137);
    await assert.rejects(tasks.kill(scope, init, 15, false), (error) => isKind(error, "notFound"));
    assert.deepEqual(shims.get("web").calls, ["start", "kill  15 false", "kill  9 true"]);
  });

  on("a running task is saved, and a new one is made from what is saved", async (containerd) => {
    const { tasks } = containerd.services;
    const checkpoint = { images: "/saved", work: "/log" };
    await tasks.create(scope, task, signal);
    const saved = (leaveRunning: boolean) =>
      tasks.checkpoint(scope, "web", { ...checkpoint, leaveRunning }, signal);
    await assert.rejects(saved(true), /not running/);
    await tasks.start(scope, "web", "", signal);
    await saved(true);
    await saved(false);
    const shim = containerd.shims.get("web");
    assert.deepEqual(shim.calls, ["start", "checkpoint /saved leave running", "checkpoint /saved"]);
    shim.end("", ended);
    await tasks.wait(scope, "web", "", signal);
    await tasks.delete(scope, "web", "");
    await tasks.create(scope, { ...task, checkpoint }, signal);
    assert.deepEqual(containerd.shims.get("web").request.checkpoint, checkpoint);
  });

  on("pause and resume", async ({ services: { tasks } }) => {
    await tasks.create(scope, task, signal);
    await assert.rejects(tasks.pause(scope, "web"), /cannot pause a created container/);
    await tasks.start(scope, "web", "", signal);
    await tasks.pause(scope, "web");
    assert.equal((await tasks.get(scope, "web", "")).status, "paused");
    await tasks.resume(scope, "web");
    assert.equal((await tasks.get(scope, "web", "")).status, "running");
  });

  on("pids, metrics, update and explain", async ({ services: { tasks }, shims }) => {
    await tasks.create(scope, task, signal);
    assert.deepEqual(await tasks.pids(scope, "web"), [101, 102]);
    assert.deepEqual(await tasks.metrics(scope, "web"), fakeUsage);
    await tasks.update(scope, "web", { pids: { limit: 5 } });
    assert.deepEqual(shims.get("web").calls, ["update"]);
    const [operation] = await tasks.explain(scope, { ...task, containerId: "other" });
    assert.deepEqual(operation, { index: 0, host: true, why: "root", call: 'mount("x")' });
  });

  on(
    "an attached client talks to the process, and may close its side first",
    async ({ services: { tasks } }) => {
      await tasks.create(scope, task, signal);
      const stream = await tasks.attach(scope, init, { stdin: true, stdout: true, stderr: true }, signal);
      stream.end("hello");
      assert.equal(await text(stream), "HELLO");
    },
  );

  on("a wait can be given up", async ({ services: { tasks } }) => {
    await tasks.create(scope, task, signal);
    const controller = new AbortController();
    const waiting = tasks.wait(scope, "web", "", controller.signal);
    controller.abort();
    await assert.rejects(waiting, /abort/i);
  });

  on("ids are no paths, streams are known ones", async ({ services: { tasks } }) => {
    const climbing = tasks.create(scope, { ...task, containerId: "../web" }, signal);
    await assert.rejects(climbing, (error) => isKind(error, "invalid"));
    const program = tasks.create(scope, { ...task, io: { ...io, stdout: "binary:///bin/sh" } }, signal);
    await assert.rejects(program, (error) => isKind(error, "unsupported"));
  });
}
