// The life of a shim: created, started, attached to, killed, adopted, ended.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { NativeShim } from "#shim/native/native-shim.ts";
import type { Shim } from "#shim/shim.ts";
import {
  attached,
  type NativeMachine,
  never,
  readAll,
  readFrames,
  skip,
  startNativeMachine,
} from "./native-machine.ts";

const both = { stdin: false, stdout: true, stderr: true };
const umask: readonly Op[] = [{ op: "umask", why: "first", mask: 0o22 }];
/** BPF_RET SECCOMP_RET_KILL_PROCESS */
const killEverything = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0, 0x80);
const spec = { ociVersion: "1.2.0" };
const fieldOf = (pid: number, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";

async function untilGone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function adoptRunning(machine: NativeMachine, id: string): Promise<Shim> {
  return await machine.shims.adopt({ id, stateDir: machine.stateDir(id), spec }, never).then((found) => {
    assert.ok(found instanceof NativeShim, "a running shim");
    return found;
  });
}

test("a container runs, both streams reach the client, the exit is recorded", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", attached(), "echo out; echo err >&2; exit 7");
  const client = await shim.attach("", both, never);
  await shim.start(never);
  assert.deepEqual(readFrames(await readAll(client)), { stdout: "out\n", stderr: "err\n" });
  const exit = await shim.wait("", never);
  assert.equal(exit.exitCode, 7);
  assert.ok(Math.abs(exit.exitedAt - Date.now()) < 5000);
  assert.match(readFileSync(join(machine.stateDir("one"), "exit"), "utf8"), /^7 \d+ \d+\n$/);
  await untilGone(shim.pid);
});

test("a plan that does not begin with clone has its process forked in between", { skip }, async () => {
  await using machine = await startNativeMachine({ before: umask });
  await using shim = await machine.create("one", attached(), "echo $$");
  const parent = (): string => fieldOf(shim.initPid, "PPid");
  while (parent() !== String(shim.pid)) await new Promise((resolve) => setTimeout(resolve, 5)); // until that has ended
  const client = await shim.attach("", both, never);
  await shim.start(never);
  assert.equal(readFrames(await readAll(client)).stdout, "1\n");
});

test("host operations run in the shim with the child's pid, in one place of the plan", { skip }, async () => {
  const text = new TextEncoder();
  for (const before of [[], umask]) {
    await using machine = await startNativeMachine({
      before,
      extra: [
        {
          op: "write",
          why: "w",
          host: true,
          path: "/tmp/gantry-$PID",
          flags: 0o101,
          mode: 0o600,
          data: text.encode("$PID"),
        },
        { op: "mkdir", why: "m", host: true, path: "/tmp", mode: 0o700 },
      ],
    });
    await using shim = await machine.create("one", attached(), "true");
    const path = `/tmp/gantry-${shim.initPid}`;
    assert.equal(readFileSync(path, "utf8"), String(shim.initPid));
    await machine.executor.run([{ op: "unlink", why: "clean", path }], never);
    await shim.start(never);
    await shim.wait("", never);
  }
});

test("a program gets its signals as by default, three streams, and no way to the shim", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create(
    "one",
    attached(),
    "trap 'exit 42' TERM; echo ready; while true; do sleep 0.02; done",
  );
  const client = await shim.attach("", both, never);
  await shim.start(never);
  await new Promise((resolve) => client.once("readable", resolve));
  const ignored = Number.parseInt(fieldOf(shim.initPid, "SigIgn"), 16);
  assert.equal(ignored & ~(1 << 2), 0); // the shell itself ignores SIGQUIT
  assert.equal(fieldOf(shim.initPid, "SigBlk"), "0000000000000000");
  assert.deepEqual(readdirSync(`/proc/${shim.initPid}/fd`).sort(), ["0", "1", "2"]);
  assert.match(readlinkSync(`/proc/${shim.pid}/exe`), /^\/memfd:gantry-exec/);
  assert.match(
    readFileSync(`/proc/${shim.pid}/cmdline`, "utf8").replaceAll("\0", " "),
    /^gantry-exec shim one /,
  );
  assert.equal(statSync(join(machine.stateDir("one"), "shim.sock")).mode & 0o777, 0o600);
  await shim.kill("", 15, false);
  assert.equal((await shim.wait("", never)).exitCode, 42);
  await assert.rejects(shim.kill("", 15, false), { kind: "notFound" });
});

test("a container that is killed before its start reports its exit", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", attached(), "true");
  await shim.kill("", 9, false);
  assert.equal((await shim.wait("", never)).exitCode, 137);
  await assert.rejects(shim.start(never), { kind: "notFound" });
});

test("a failing operation undoes everything and says which it was", { skip }, async () => {
  await using machine = await startNativeMachine({
    extra: [
      { op: "mkdir", why: "a host folder", host: true, path: "/tmp/gantry-undone", mode: 0o700 },
      { op: "mkdir", why: "mounts[3] /data", path: "/missing/child", mode: 0o700 },
    ],
    undo: [{ op: "rmdir", why: "undo", path: "/tmp/gantry-undone" }],
  });
  await assert.rejects(machine.create("one", attached(), "true"), (error: unknown) => {
    assert.ok(error instanceof PlanError);
    assert.equal(error.message, "mounts[3] /data: openat2(2): ENOENT");
    return true;
  });
  assert.equal(existsSync("/tmp/gantry-undone"), false);
  assert.equal(existsSync(join(machine.stateDir("one"), "shim.sock")), false);
});

test("a failing host operation is reported as itself", { skip }, async () => {
  await using machine = await startNativeMachine({
    extra: [{ op: "rmdir", why: "hosts", host: true, path: "/missing-here" }],
  });
  await assert.rejects(machine.create("one", attached(), "true"), { message: "hosts: rmdir(2): ENOENT" });
});

test("a child that is killed while it is set up is a failure, not a start", { skip }, async () => {
  await using machine = await startNativeMachine({
    extra: [{ op: "seccomp", why: "suicide", filter: killEverything, flags: 0 }],
  });
  await assert.rejects(machine.create("one", attached(), "true"), { message: /setup\(2\): ECHILD$/ });
});

test("a shim whose creator goes away before it asks for anything ends", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { encodeFrame } = await import("#kernel/zygote/wire-frames.ts");
  const { shimBody } = await import("#shim/native/bodies.ts");
  const { connect } = await import("node:net");
  const socket = connect(machine.socket);
  socket.write(encodeFrame("shim", shimBody("lost", machine.folder)));
  const path = join(machine.folder, "shim.sock");
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
  const before = execFileSync("pgrep", ["-f", `gantry-exec shim lost ${machine.folder}`], {
    encoding: "utf8",
  });
  socket.destroy();
  await untilGone(Number(before));
});

const nap = {
  op: "spawn",
  why: "slow",
  path: "/bin/busybox",
  argv: ["sleep", "2"],
  env: [],
  stdin: [],
  timeoutMs: 0,
} as const satisfies Op;

for (const [when, shape] of [
  ["before the clone", { before: [nap] }],
  ["after a forerunner's clone", { before: umask, extra: [{ ...nap, path: "/bin/sleep" }] }],
  ["after its own clone", { extra: [{ ...nap, path: "/bin/sleep" }] }],
] as const)
  test(`a creator that gives up ${when} leaves nothing`, { skip }, async () => {
    const folder = join(tmpdir(), `gantry-undone-${process.pid}`);
    await using machine = await startNativeMachine({
      ...shape,
      before: [
        { op: "mkdir", why: "left on the host", path: folder, mode: 0o700 },
        ...("before" in shape ? shape.before : []),
      ],
      undo: [{ op: "rmdir", why: "undo", path: folder }],
    });
    await assert.rejects(machine.create("one", attached(), "true", AbortSignal.timeout(150)));
    const socket = join(machine.stateDir("one"), "shim.sock");
    while (existsSync(socket) || existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 5));
    const left = spawnSync("pgrep", ["-f", `gantry-exec shim one ${machine.folder}`], { encoding: "utf8" });
    for (const pid of left.stdout.split("\n").filter((text) => text !== "")) await untilGone(Number(pid));
  });

test("a connection that is lost changes nothing: the next daemon adopts", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using first = await machine.create("one", attached({ stdin: true, stdinOnce: true }), "cat; exit 3");
  await first.start(never);
  await first[Symbol.asyncDispose]();
  await using second = await adoptRunning(machine, "one");
  assert.equal(second.initPid, first.initPid);
  assert.equal(second.pid, first.pid);
  const client = await second.attach("", { ...both, stdin: true }, never);
  client.end("still here\n");
  assert.equal(readFrames(await readAll(client)).stdout, "still here\n");
  assert.equal((await second.wait("", never)).exitCode, 3);
});

test("a shim that ended while no daemon listened left its exit", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", { kind: "null" }, "exit 9");
  await shim.start(never);
  await shim[Symbol.asyncDispose]();
  await untilGone(shim.pid);
  const adopting = machine.shims.adopt({ id: "one", stateDir: machine.stateDir("one"), spec }, never);
  assert.equal(await adopting.then((found) => "exitCode" in found && found.exitCode), 9);
  const unknown = { id: "none", stateDir: join(machine.folder, "none"), spec };
  await assert.rejects(machine.shims.adopt(unknown, never), { kind: "notFound" });
});

test("a busy daemon that still asks for something when all has ended hears first how it started and ended", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", { kind: "null" }, "exit 9");
  const starting = shim.start(never);
  // Nothing is read meanwhile, and a program takes longer to run than a shim to leave.
  while (!existsSync(join(machine.stateDir("one"), "exit")));
  spawnSync("true");
  const late = assert.rejects(shim.closeStdin(""), { kind: "notFound" });
  await starting;
  assert.equal((await shim.wait("", never)).exitCode, 9);
  await late;
  await untilGone(shim.pid);
});

test("further processes run beside the init, each with its own streams and exit", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", attached(), "sleep 100");
  await shim.start(never);
  const run = async (id: string, script: string) => {
    await shim.exec(id, { cwd: "/", args: [script] }, attached(), never);
    const client = await shim.attach(id, both, never);
    const output = readFrames(await readAll(client)).stdout;
    return { output, code: (await shim.wait(id, never)).exitCode };
  };
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, i) => run(`e${i}`, `echo ${i}; exit ${i}`)),
  );
  assert.deepEqual(
    results,
    Array.from({ length: 12 }, (_, i) => ({ output: `${i}\n`, code: i })),
  );
  await shim.kill("", 9, false);
  assert.equal((await shim.wait("", never)).exitCode, 137);
});

test("the exit of a further process is known to the next daemon", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using first = await machine.create("one", attached(), "sleep 100");
  await first.start(never);
  const pid = await first.exec("e", { cwd: "/", args: ["sleep 0.05; exit 4"] }, { kind: "null" }, never);
  await first[Symbol.asyncDispose]();
  await untilGone(pid);
  await using second = await adoptRunning(machine, "one");
  assert.equal((await second.wait("e", never)).exitCode, 4);
  await second.kill("", 9, false);
  await second.wait("", never);
});
