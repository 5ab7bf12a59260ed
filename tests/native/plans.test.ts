// Plans run by the zygote: results, failures, and paths that cannot leave their root.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Op, OpBody, Plan } from "#kernel/plan/ops.ts";
import { openSlot } from "#kernel/zygote/held.ts";
import { failureOf, makeJail, ownMounts, why } from "./jail.ts";
import { never, skip, startNativeMachine } from "./native-machine.ts";

const O_CREAT_WRONLY = 0o101;
const PROC_SUPER_MAGIC = 0x9fa0;
const text = new TextEncoder();

test("values that operations return come back by their index", { skip }, async () => {
  await using machine = await startNativeMachine();
  const path = join(machine.folder, "file");
  const result = await machine.executor.run(
    [
      why({ op: "write", path, flags: O_CREAT_WRONLY, mode: 0o600, data: text.encode("content") }),
      why({ op: "read", path }),
      why({ op: "read", path: `${path}.none`, missingOk: true }),
    ],
    never,
  );
  assert.deepEqual(
    [...result].map(([index, values]) => [index, values.map(String)]),
    [[1, ["content"]]],
  );
});

test("a failure names the operation, its reason, the call and the errno; what follows is not run", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const path = join(machine.folder, "never");
  const failure = await failureOf(machine, [
    why({ op: "umask", mask: 0o22 }),
    { op: "rmdir", why: "cgroup memory", path: join(machine.folder, "missing") },
    why({ op: "mkdir", path, mode: 0o755 }),
  ]);
  const { index, why: reason, call, code, message } = failure;
  assert.deepEqual(
    { index, reason, call, code },
    { index: 1, reason: "cgroup memory", call: "rmdir", code: "ENOENT" },
  );
  assert.equal(message, "cgroup memory: rmdir(2): ENOENT");
  assert.equal(existsSync(path), false);
});

test("an operation that may fail does not stop the plan", { skip }, async () => {
  await using machine = await startNativeMachine();
  const path = join(machine.folder, "made");
  await machine.executor.run(
    [
      { op: "rmdir", why: "best effort", path: join(machine.folder, "missing"), mayFail: true },
      why({ op: "mkdir", path, mode: 0o755 }),
    ],
    never,
  );
  assert.ok(existsSync(path));
});

test("plans run at the same time, each in a process of its own", { skip }, async () => {
  await using machine = await startNativeMachine();
  const folder = mkdtempSync(join(machine.folder, "met-"));
  // Each waits for all.
  const script = `touch ${folder}/$$; until [ $(ls ${folder} | wc -l) = 8 ]; do sleep 0.05; done`;
  const meet = why({
    op: "spawn",
    path: "/bin/sh",
    argv: ["sh", "-c", script],
    env: ["PATH=/usr/bin:/bin"],
    stdin: [],
    timeoutMs: 120_000,
  });
  await Promise.all(Array.from({ length: 8 }, () => machine.executor.run([meet], never)));
  assert.equal(readdirSync(folder).length, 8);
});

test("a program that fails or takes too long is told apart", { skip }, async () => {
  await using machine = await startNativeMachine();
  const hook = (argv: string[], timeoutMs: number): Op =>
    why({ op: "spawn", path: "/bin/sh", argv, env: [], stdin: ["{}"], timeoutMs });
  await machine.executor
    .run([hook(["sh", "-c", "read x; echo out; test $x = {}"], 0)], never)
    .catch(() => undefined);
  const failed = await failureOf(machine, [hook(["sh", "-c", "echo said; echo complained >&2; exit 3"], 0)]);
  assert.equal(failed.code, "ECHILD");
  assert.match(failed.message, /: exit status 3, stdout: said\n, stderr: complained\n$/);
  assert.equal((await failureOf(machine, [hook(["sh", "-c", "sleep 60"], 50)])).code, "ETIMEDOUT");
  const deaf = hook(["sh", "-c", "sleep 60"], 50);
  assert.equal(
    (await failureOf(machine, [{ ...deaf, ...{ stdin: ["x".repeat(4 << 20)] } }])).code,
    "ETIMEDOUT",
  );
});

test("an aborted plan rejects", { skip }, async () => {
  await using machine = await startNativeMachine();
  const wait = why({
    op: "spawn",
    path: "/bin/sleep",
    argv: ["sleep", "2"],
    env: [],
    stdin: [],
    timeoutMs: 0,
  });
  await assert.rejects(machine.executor.run([wait], AbortSignal.timeout(50)));
});

test("no link below a root leads an operation out of it", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, outside, open } = makeJail(machine);
  writeFileSync(join(outside, "secret"), "secret");
  symlinkSync(outside, join(jail, "absolute"));
  symlinkSync("../../outside", join(jail, "relative"));
  symlinkSync("/proc/self/root", join(jail, "magic"));
  const data = text.encode("x");
  const escapes: readonly OpBody[] = ["absolute", "relative", "..", "../outside", `magic${outside}`].flatMap(
    (path): OpBody[] => [
      { op: "write", path: `${path}/secret`, root: 0, flags: O_CREAT_WRONLY, mode: 0o600, data },
      { op: "touch", path: `${path}/touched`, root: 0, mode: 0o777 },
      { op: "removeTree", path: `${path}/secret`, root: 0, missingOk: true },
      { op: "mkdir", path: `${path}/made`, root: 0, mode: 0o755, parents: true },
      { op: "symlink", path: `${path}/made`, target: "x", root: 0 },
      { op: "mknod", path: `${path}/node`, root: 0, mode: 0o10600, major: 0, minor: 0, uid: 0, gid: 0 },
      { op: "bind", source: "/etc", target: `${path}/secret`, root: 0, recursive: false },
    ],
  );
  for (const body of escapes) await machine.executor.run([open, why(body)], never).catch(() => undefined);
  assert.deepEqual(readdirSync(outside), ["secret"]);
  assert.equal(readFileSync(join(outside, "secret"), "utf8"), "secret");
  assert.equal(statSync(join(outside, "secret")).nlink, 1);
  assert.equal(statSync(join(outside, "secret")).mode & 0o777, 0o644);
});

test("a write that must land on procfs refuses anything else", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, open } = makeJail(machine);
  mkdirSync(join(jail, "proc/sys"), { recursive: true });
  writeFileSync(join(jail, "proc/sys/fake"), "");
  const write = why({
    op: "write",
    path: "proc/sys/fake",
    root: 0,
    flags: 1,
    data: text.encode("1"),
    fsMagic: PROC_SUPER_MAGIC,
  });
  assert.equal((await failureOf(machine, [open, write])).code, "EXDEV");
});

test("a write below a root does not wait for a FIFO that an image put there", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, open } = makeJail(machine);
  execFileSync("mkfifo", [join(jail, "fifo")]);
  const write = why({ op: "write", path: "fifo", root: 0, flags: 1, data: text.encode("x") });
  assert.equal((await failureOf(machine, [open, write])).code, "ENXIO");
});

test("a process that is held keeps what it has mounted and opened, until it is let go", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const { jail, outside, open } = makeJail(machine);
  writeFileSync(join(outside, "seen"), "");
  const plan: Plan = [
    ...ownMounts,
    why({ op: "bind", source: outside, target: jail, recursive: false }),
    open,
  ];
  {
    await using held = await machine.executor.hold(plan, never);
    using slot = openSlot(held.pid, 0);
    assert.deepEqual(readdirSync(`/proc/self/fd/${slot.fd}`), ["seen"]);
    assert.deepEqual(readdirSync(jail), []);
    await assert.rejects(machine.executor.hold([{ op: "rmdir", why: "gone", path: "/none" }], never), {
      why: "gone",
      code: "ENOENT",
    });
    process.kill(held.pid, 0);
  }
});

test("masked paths are empty and unwritable, read-only ones stay readable", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, open } = makeJail(machine);
  for (const name of ["a", "b", "keep"]) {
    mkdirSync(join(jail, name));
    writeFileSync(join(jail, name, "file"), "content");
  }
  const read = (path: string): Op => why({ op: "read", path: join(jail, path), missingOk: true });
  const write = (path: string): Op =>
    why({ op: "write", path: join(jail, path), flags: O_CREAT_WRONLY, mode: 0o600, data: text.encode("x") });
  const prelude: Plan = [
    ...ownMounts,
    open, // a directory of the old namespace takes no mounts of the new one
    ...["a", "b", "keep/file", "absent"].map((path) => why({ op: "maskPath", path, root: 0 })),
    why({ op: "readonlyPath", path: "keep", root: 0 }),
  ];
  const result = await machine.executor.run([...prelude, read("a/file"), read("b/file")], never);
  assert.equal(result.size, 0);
  assert.equal((await failureOf(machine, [...prelude, write("a/new")])).code, "EROFS");
  assert.equal((await failureOf(machine, [...prelude, write("b/new")])).code, "EROFS");
  assert.equal((await failureOf(machine, [...prelude, write("keep/new")])).code, "EROFS");
  assert.equal((await failureOf(machine, [...prelude, read("keep/file")])).code, "EINVAL"); // a device now
});
