// The real containerd and its shim on gantry-runc.

import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { makeBusyboxRoot } from "../system/images.ts";
import { type Result, run } from "../system/process.ts";
import { startRealContainerd } from "../system/real-containerd.ts";
import { installRuntime, settledLeftovers } from "./leftovers.ts";

const skip = process.getuid?.() !== 0 && "needs root";

/** The shim has each container in a cgroup below one of its namespace, which it leaves. */
async function removeParents(namespace: string): Promise<void> {
  for (const path of globSync(`/sys/fs/cgroup/{,*/}${namespace}`)) await rmdir(path);
}

interface Containerd extends AsyncDisposable {
  readonly namespace: string;
  ctr(...words: readonly string[]): Promise<Result>;
}

async function startContainerd(): Promise<Containerd> {
  await using undo = new AsyncDisposableStack();
  const socket = undo.use(await startRealContainerd()).socket;
  const namespace = basename(dirname(socket));
  undo.defer(() => removeParents(namespace));
  const cleanup = undo.move();
  return {
    namespace,
    ctr: (...words) => run(["timeout", "-s", "KILL", "30", "ctr", "-a", socket, "-n", namespace, ...words]),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

test("containerd's shim runs containers on gantry-runc from their making to their end", {
  skip,
}, async () => {
  await using root = await makeBusyboxRoot();
  await using peer = await startContainerd();
  const ctr: Containerd["ctr"] = (...words) => peer.ctr(...words);
  const namespace = peer.namespace;
  await using undo = new AsyncDisposableStack();
  const runtime = await installRuntime(undo);
  const start = ["run", "--runc-binary", runtime, "--rootfs"];
  const brief = await ctr(...start, "--rm", root.path, "brief", "/bin/sh", "-c", "echo told; exit 7");
  assert.deepEqual([brief.code, brief.stdout], [7, "told\n"]);

  const long = ["--detach", "--memory-limit", "67108864", root.path, "long", "/bin/sleep", "1000"];
  assert.deepEqual(await ctr(...start, ...long), { code: 0, stdout: "", stderr: "" });
  const within = await ctr("tasks", "exec", "--exec-id", "e", "long", "/bin/cat", "/proc/1/comm");
  assert.deepEqual([within.code, within.stdout], [0, "sleep\n"]);
  const failed = await ctr("tasks", "exec", "--exec-id", "f", "long", "/nowhere");
  assert.match(failed.stderr, /exec: "\/nowhere": stat \/nowhere: no such file or directory/);

  const status = async () => (await ctr("tasks", "ls")).stdout.match(/^long +\d+ +(\w+)/m)?.[1];
  assert.equal((await ctr("tasks", "pause", "long")).code, 0);
  assert.equal(await status(), "PAUSED");
  assert.equal((await ctr("tasks", "resume", "long")).code, 0);
  assert.equal(await status(), "RUNNING");
  assert.match((await ctr("tasks", "ps", "long")).stdout, /^\d+ /m);
  assert.match((await ctr("tasks", "metrics", "long")).stdout, /^memory\.usage_in_bytes +[1-9]/m);

  assert.equal((await ctr("tasks", "kill", "-s", "KILL", "long")).code, 0);
  await ctr("tasks", "delete", "long");
  assert.equal((await ctr("containers", "rm", "long")).code, 0);
  const left = await settledLeftovers([`${namespace}/brief`, `${namespace}/long`], root.path);
  assert.deepEqual(left, []);
});

test("a program that is not there is told to containerd as by runc", { skip }, async () => {
  await using root = await makeBusyboxRoot();
  await using peer = await startContainerd();
  await using undo = new AsyncDisposableStack();
  const runtime = await installRuntime(undo);
  const messages: string[] = [];
  for (const program of [runtime, "/usr/sbin/runc"]) {
    const words = ["run", "--rm", "--runc-binary", program, "--rootfs", root.path, "none", "/nowhere"];
    const { code, stderr } = await peer.ctr(...words);
    assert.equal(code, 1);
    messages.push(stderr);
  }
  assert.equal(messages[0], messages[1]);
  assert.deepEqual(await settledLeftovers([`${peer.namespace}/none`], root.path), []);
});
