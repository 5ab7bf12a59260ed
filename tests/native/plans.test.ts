// Plans run by the zygote: results, failures, and paths that cannot leave their root.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Attributes, Op, OpBody, Plan } from "#kernel/plan/ops.ts";
import { type NativeMachine, never, skip, startNativeMachine } from "./native-machine.ts";

const O_PATH_DIRECTORY = 0o12200000;
const O_CREAT_WRONLY = 0o101;
const PROC_SUPER_MAGIC = 0x9fa0;
const text = new TextEncoder();
const attributes = (values: Partial<Attributes> = {}): Attributes => ({
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { sec: 1_000_000_000, nsec: 123_456_789 },
  xattrs: [],
  ...values,
});

const why = (body: OpBody): Op => ({ ...body, why: "test" });

/** A root folder in slot 0, beside a folder that nothing may reach. */
function makeJail(machine: NativeMachine): {
  readonly jail: string;
  readonly outside: string;
  readonly open: Op;
} {
  const jail = join(machine.folder, "jail");
  const outside = join(machine.folder, "outside");
  mkdirSync(jail);
  mkdirSync(outside);
  return { jail, outside, open: why({ op: "open", path: jail, flags: O_PATH_DIRECTORY, slot: 0 }) };
}

async function failureOf(machine: NativeMachine, plan: Plan): Promise<PlanError> {
  try {
    await machine.executor.run(plan, never);
  } catch (error) {
    if (error instanceof PlanError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "the plan did not fail" });
}

async function stream(machine: NativeMachine, ops: readonly Op[]): Promise<void> {
  await using out = await machine.executor.openStream(never);
  for (const op of ops) await out.write(op);
  await out.end();
}

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
      { op: "makeFile", path: `${path}/made`, root: 0, attributes: attributes(), size: 0n },
      { op: "makeHardlink", path: "stolen", target: `${path}/secret`, root: 0 },
      { op: "clearDir", path, root: 0 },
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

test("a copied tree has its links, owners and modes, and nothing of what is mounted in it", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const { jail, outside, open } = makeJail(machine);
  writeFileSync(join(outside, "secret"), "secret");
  const copy = join(machine.folder, "copy");
  mkdirSync(copy);
  mkdirSync(join(jail, "mount"));
  mkdirSync(join(jail, "sub"), { mode: 0o711 });
  writeFileSync(join(jail, "sub/file"), "content", { mode: 0o640 });
  symlinkSync(outside, join(jail, "sub/link"));
  execFileSync("mkfifo", ["-m", "604", join(jail, "sub/fifo")]);
  execFileSync("chown", ["7:8", join(jail, "sub/file"), join(jail, "sub/fifo")]);
  execFileSync("chown", ["-h", "7:8", join(jail, "sub/link")]);
  await machine.executor.run(
    [
      why({ op: "unshare", flags: 0x2_0000 }),
      why({ op: "mountAttr", target: "/", set: 0, clear: 0, propagation: 1 << 18, recursive: true }),
      open,
      why({ op: "bind", source: outside, target: "mount", root: 0, recursive: false }),
      why({ op: "open", path: copy, flags: O_PATH_DIRECTORY, slot: 1 }),
      why({ op: "copyTree", from: 0, to: 1 }),
    ],
    never,
  );
  const found = ["mount", "sub", "sub/file", "sub/link", "sub/fifo"].map((name) => {
    const { mode, uid, gid } = lstatSync(join(copy, name));
    return [name, (mode & 0o7777).toString(8), uid, gid];
  });
  assert.deepEqual(found, [
    ["mount", "755", 0, 0],
    ["sub", "711", 0, 0],
    ["sub/file", "640", 7, 8],
    ["sub/link", "777", 7, 8],
    ["sub/fifo", "604", 7, 8],
  ]);
  assert.deepEqual(readdirSync(join(copy, "mount")), []);
  assert.equal(readlinkSync(join(copy, "sub/link")), outside);
  assert.equal(readFileSync(join(copy, "sub/file"), "utf8"), "content");
});

test("a tree deeper than any path goes, its mounts stay", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, outside, open } = makeJail(machine);
  const deepen = `for (let i = 0; i < 3000; i++) { fs.mkdirSync("deep"); process.chdir("deep"); } fs.writeFileSync("end", "")`;
  execFileSync(process.execPath, ["-e", deepen], { cwd: jail });
  symlinkSync(outside, join(jail, "deep/link"));
  writeFileSync(join(outside, "kept"), "");
  await machine.executor.run([open, why({ op: "removeTree", path: "deep", root: 0 })], never);
  assert.deepEqual(readdirSync(jail), []);
  assert.ok(existsSync(join(outside, "kept")));

  mkdirSync(join(jail, "tree/mount"), { recursive: true });
  const failure = await failureOf(machine, [
    why({ op: "unshare", flags: 0x2_0000 }),
    why({ op: "mountAttr", target: "/", set: 0, clear: 0, propagation: 1 << 18, recursive: true }),
    open,
    why({ op: "bind", source: outside, target: "tree/mount", root: 0, recursive: false }),
    why({ op: "removeTree", path: "tree", root: 0 }),
  ]);
  assert.equal(failure.code, "EBUSY");
  assert.ok(existsSync(join(outside, "kept")));
});

test("entries of a layer get their owner, mode, times and xattrs, special bits included", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const { jail, open } = makeJail(machine);
  const capability = Uint8Array.of(1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const xattrs = [{ name: "security.capability", value: capability }];
  await stream(machine, [
    open,
    why({
      op: "makeFile",
      root: 0,
      path: "usr/bin/tool",
      attributes: attributes({ mode: 0o4755, uid: 7, gid: 8, xattrs }),
      size: 6n,
    }),
    why({ op: "fileData", data: text.encode("abc") }),
    why({ op: "fileData", data: text.encode("def") }),
    why({ op: "makeDir", root: 0, path: "usr", attributes: attributes({ mode: 0o1777, uid: 9, gid: 9 }) }),
    why({
      op: "makeSymlink",
      root: 0,
      path: "usr/link",
      target: "/nowhere",
      attributes: attributes({ uid: 3, gid: 4 }),
    }),
    why({ op: "makeHardlink", root: 0, path: "usr/same", target: "usr/bin/tool" }),
    why({
      op: "makeNode",
      root: 0,
      path: "pipe",
      attributes: attributes({ mode: 0o10640 }),
      major: 0,
      minor: 0,
    }),
    why({ op: "setTimes", root: 0, path: "usr", mtime: { sec: 5, nsec: 0 } }),
  ]);
  const tool = statSync(join(jail, "usr/bin/tool"));
  assert.equal(readFileSync(join(jail, "usr/bin/tool"), "utf8"), "abcdef");
  assert.deepEqual([tool.mode & 0o7777, tool.uid, tool.gid, tool.nlink], [0o4755, 7, 8, 2]);
  assert.equal(statSync(join(jail, "usr/bin/tool"), { bigint: true }).mtimeNs, 1_000_000_000_123_456_789n);
  const attr = execFileSync(
    "getfattr",
    ["--absolute-names", "-n", "security.capability", "-e", "hex", join(jail, "usr/bin/tool")],
    { encoding: "utf8" },
  );
  assert.match(attr, /0x0100000200040000/);
  const usr = statSync(join(jail, "usr"));
  assert.deepEqual([usr.mode & 0o7777, usr.uid, usr.mtimeMs], [0o1777, 9, 5000]);
  const link = lstatSync(join(jail, "usr/link"));
  assert.deepEqual([readlinkSync(join(jail, "usr/link")), link.uid, link.gid], ["/nowhere", 3, 4]);
  assert.equal(statSync(join(jail, "pipe")).mode, 0o10640);
});

test("an entry replaces what is in its place and never writes through it", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, outside, open } = makeJail(machine);
  writeFileSync(join(outside, "kept"), "kept");
  symlinkSync(join(outside, "kept"), join(jail, "file"));
  symlinkSync(outside, join(jail, "folder"));
  mkdirSync(join(jail, "was-folder/with"), { recursive: true });
  writeFileSync(join(jail, "linked"), "old");
  linkSync(join(jail, "linked"), join(outside, "other-name"));
  await stream(machine, [
    open,
    why({ op: "makeFile", root: 0, path: "file", attributes: attributes(), size: 0n }),
    why({ op: "makeFile", root: 0, path: "linked", attributes: attributes(), size: 3n }),
    why({ op: "fileData", data: text.encode("new") }),
    why({ op: "makeDir", root: 0, path: "folder", attributes: attributes({ mode: 0o755 }) }),
    why({ op: "makeFile", root: 0, path: "folder/in", attributes: attributes(), size: 0n }),
    why({ op: "makeFile", root: 0, path: "was-folder", attributes: attributes(), size: 0n }),
  ]);
  assert.deepEqual(readdirSync(outside).sort(), ["kept", "other-name"]);
  assert.equal(readFileSync(join(outside, "kept"), "utf8"), "kept");
  assert.equal(readFileSync(join(outside, "other-name"), "utf8"), "old");
  assert.ok(lstatSync(join(jail, "file")).isFile());
  assert.ok(lstatSync(join(jail, "folder")).isDirectory());
  assert.ok(lstatSync(join(jail, "was-folder")).isFile());
});

test("a stream reports its first failure and then takes no more", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { open } = makeJail(machine);
  const failing = stream(machine, [
    open,
    { op: "makeHardlink", why: "entry b", root: 0, path: "b", target: "missing" },
    ...Array.from({ length: 1000 }, (_, i) =>
      why({ op: "makeFile", root: 0, path: `f${i}`, attributes: attributes(), size: 0n }),
    ),
  ]);
  await assert.rejects(failing, { index: 1, why: "entry b", code: "ENOENT" });
});

test("a truncated file is a failure", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { open } = makeJail(machine);
  const file = why({ op: "makeFile", root: 0, path: "f", attributes: attributes(), size: 4n });
  await assert.rejects(stream(machine, [open, file, why({ op: "fileData", data: text.encode("abc") })]), {
    code: "EBADMSG",
  });
  await assert.rejects(stream(machine, [open, file, why({ op: "fileData", data: text.encode("abcde") })]), {
    code: "EBADMSG",
  });
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
    why({ op: "unshare", flags: 0x2_0000 }),
    why({ op: "mountAttr", target: "/", set: 0, clear: 0, propagation: 1 << 18, recursive: true }),
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
