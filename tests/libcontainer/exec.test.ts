// A further process of a running container.

import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { after, before, test } from "node:test";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Process } from "#spec/oci-runtime.ts";
import {
  attachedIo,
  type Container,
  type ContainerMachine,
  defaultProcess,
  dockerSpec,
  outcomeOf,
  skip,
  startContainerMachine,
} from "./container-machine.ts";
import { hierarchiesOf, readLimits } from "./limits.ts";

const never = new AbortController().signal;
let machine: ContainerMachine;
let container: Container;
before(async () => {
  if (skip !== false) return;
  machine = await startContainerMachine();
  container = await machine.create(dockerSpec(machine.host, machine.makeRoot(), "sleep 1000"));
  await container.shim.start(never);
});
after(async () => {
  await container?.[Symbol.asyncDispose]();
  await machine?.[Symbol.asyncDispose]();
});

let count = 0;
async function exec(script: string, changes: Partial<Process> = {}): ReturnType<typeof outcomeOf> {
  const id = `e${++count}`;
  await container.shim.exec(id, { ...defaultProcess(script), ...changes }, attachedIo(false), never);
  return await outcomeOf(container.shim, id);
}

test("it lives in every namespace and cgroup of the container", { skip }, async () => {
  const { stdout } = await exec("for i in mnt pid net ipc uts; do readlink /proc/self/ns/$i; done; hostname");
  const expected = ["mnt", "pid", "net", "ipc", "uts"].map((name) =>
    readlinkSync(`/proc/${container.shim.initPid}/ns/${name}`),
  );
  assert.deepEqual(stdout.trim().split("\n"), [...expected, "box"]);
  const cgroups = await exec("cat /proc/self/cgroup");
  for (const { controllers } of hierarchiesOf(machine.host))
    assert.match(cgroups.stdout, new RegExp(`:${controllers.join(",")}:${machine.cgroupParent}/`));
});

test("it sees its cgroup as the root where the container has a cgroup namespace", { skip }, async () => {
  const choices = { namespaces: ["mount", "pid", "cgroup"] as const };
  await using own = await machine.create(dockerSpec(machine.host, machine.makeRoot(), "sleep 1000", choices));
  await own.shim.start(never);
  await own.shim.exec("e", defaultProcess("cat /proc/self/cgroup"), attachedIo(false), never);
  const { stdout } = await outcomeOf(own.shim, "e");
  for (const line of stdout.trim().split("\n")) assert.match(line, /^\d+:[^:]*:\/$/);
});

test("it has the container's confinement and its own user", { skip }, async () => {
  const { stdout } = await exec(
    "id -u; grep -E 'CapBnd|CapEff|^Seccomp:' /proc/self/status; ls /proc/self/fd",
    {
      user: { uid: 33, gid: 33 },
    },
  );
  assert.match(stdout, /^33\nCapEff:\s*0{16}\nCapBnd:\s*00000000a80425fb\nSeccomp:\s*2\n0\n1\n2\n3\n$/);
});

test("it cannot be looked into by the container while it enters", { skip }, async () => {
  await container.shim.exec("own", defaultProcess("sleep 1000"), attachedIo(false), never);
  const { stdout } = await exec("for p in /proc/[0-9]*; do readlink $p/exe; done");
  for (const line of stdout.trim().split("\n")) assert.equal(line, "/bin/busybox");
});

test("its exit code, its working directory and a missing program are told", { skip }, async () => {
  assert.equal((await exec("exit 9")).exitCode, 9);
  assert.equal((await exec("pwd", { cwd: "/tmp" })).stdout, "/tmp\n");
  const failures: readonly [Partial<Process>, string, string][] = [
    [{ args: ["nothing"] }, "exec", "ENOENT"],
    [{ args: ["/etc"] }, "exec", "EACCES"],
    [{ cwd: "/no/such" }, "chdir", "ENOENT"],
  ];
  for (const [changes, call, code] of failures)
    await assert.rejects(
      exec("true", changes),
      (error) => error instanceof PlanError && error.call.startsWith(call) && error.code === code,
    );
});

test("a terminal of an exec is a terminal", { skip }, async () => {
  const process = {
    ...defaultProcess("tty; stty size"),
    terminal: true,
    consoleSize: { height: 20, width: 70 },
  };
  await container.shim.exec("tty", process, attachedIo(true), never);
  const stream = await container.shim.attach("tty", { stdin: false, stdout: true, stderr: true }, never);
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  assert.match(text, /^\/dev\/pts\/\d+\r\n20 70\r\n$/);
});

test("a paused container is frozen until it is resumed; new limits hold at once", { skip }, async () => {
  const limits = () => readLimits(container, machine.host);
  await container.shim.pause();
  assert.equal(limits().frozen, true);
  await container.shim.resume();
  assert.equal(limits().frozen, false);
  await container.shim.update({ memory: { limit: 32 << 20, swap: 64 << 20 }, pids: { limit: 77 } });
  assert.equal(limits().memory, 32 << 20);
  assert.equal(limits().pids, 77);
  await container.shim.update({ memory: { limit: 128 << 20, swap: 256 << 20 } });
  assert.equal(limits().memoryAndSwap, 256 << 20);
});
