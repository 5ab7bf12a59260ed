// Trees that plans remove and copy: whoever made them may be hostile, and may still be at work.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { Plan } from "#kernel/plan/ops.ts";
import { openPath, owned } from "#kernel/trees/calls.ts";
import { trySetXattr, xattrsOf } from "#kernel/trees/xattrs.ts";
import { failureOf, makeJail, O_PATH_DIRECTORY, ownMounts, why } from "./jail.ts";
import { type NativeMachine, never, skip, startNativeMachine } from "./native-machine.ts";

/** A directory in a directory, that often, made by a process that goes there. */
const deepen = (folder: string, depth: number): void => {
  const script = `for (let i = 0; i < ${depth}; i++) { fs.mkdirSync("deep"); process.chdir("deep"); } fs.writeFileSync("end", "")`;
  execFileSync(process.execPath, ["-e", script], { cwd: folder });
};

/** Of the jail, to a new folder. */
function planCopy(
  machine: NativeMachine,
  open: Plan[number],
): { readonly copy: string; readonly plan: Plan } {
  const copy = join(machine.folder, "copy");
  mkdirSync(copy);
  const openCopy = why({ op: "open", path: copy, flags: O_PATH_DIRECTORY, slot: 1 });
  return { copy, plan: [open, openCopy, why({ op: "copyTree", from: 0, to: 1 })] };
}

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
      ...ownMounts,
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
  deepen(jail, 3000);
  symlinkSync(outside, join(jail, "deep/link"));
  writeFileSync(join(outside, "kept"), "");
  await machine.executor.run([open, why({ op: "removeTree", path: "deep", root: 0 })], never);
  assert.deepEqual(readdirSync(jail), []);
  assert.ok(existsSync(join(outside, "kept")));

  mkdirSync(join(jail, "tree/mount"), { recursive: true });
  const failure = await failureOf(machine, [
    ...ownMounts,
    open,
    why({ op: "bind", source: outside, target: "tree/mount", root: 0, recursive: false }),
    why({ op: "removeTree", path: "tree", root: 0 }),
  ]);
  assert.equal(failure.code, "EBUSY");
  assert.ok(existsSync(join(outside, "kept")));
});

test("a copy has content of any size, holes, times, special bits and attributes, but none of overlay's", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const { jail, open } = makeJail(machine);
  const { copy, plan } = planCopy(machine, open);
  writeFileSync(join(jail, "large"), Buffer.alloc(3 << 20, "0123456789"));
  for (const name of ["none", ".hidden", "..."]) writeFileSync(join(jail, name), "");
  mkdirSync(join(jail, "sticky/empty"), { recursive: true });
  writeFileSync(join(jail, "hole"), "");
  truncateSync(join(jail, "hole"), 1 << 20);
  execFileSync("mknod", [join(jail, "device"), "c", "259", "1048575"]);
  execFileSync("chmod", ["4751", join(jail, "large")]);
  execFileSync("chmod", ["1770", join(jail, "sticky")]);
  const value = Buffer.alloc(1000, "v");
  for (const name of ["large", "sticky"]) {
    using file = owned(openPath(join(jail, name), 0));
    for (const attribute of ["trusted.a", "trusted.overlay.opaque", "trusted.b"])
      assert.equal(trySetXattr(file.fd, { name: attribute, value }), 0);
  }
  execFileSync("touch", [
    "-d",
    "2001-02-03T04:05:06.789Z",
    ...["large", "sticky", ""].map((name) => join(jail, name)),
  ]);
  await using server = createServer().listen(join(jail, "socket"));
  await once(server, "listening");
  utimesSync(jail, 5, 5);
  await machine.executor.run(plan, never);
  const names = ["...", ".hidden", "device", "hole", "large", "none", "sticky"];
  assert.deepEqual(readdirSync(copy).sort(), names);
  assert.ok(readFileSync(join(copy, "large")).equals(readFileSync(join(jail, "large"))));
  for (const name of [...names, "sticky/empty", ""]) {
    const facts = [jail, copy].map((root) => {
      const { mode, size, mtimeMs, rdev } = statSync(join(root, name));
      return [name, mode, name === "" ? 0 : size, mtimeMs, rdev];
    });
    assert.deepEqual(facts[0], facts[1]);
  }
  for (const name of ["large", "sticky"]) {
    using file = owned(openPath(join(copy, name), 0));
    assert.deepEqual(
      xattrsOf(file.fd).map((attribute) => [attribute.name, attribute.value.length]),
      [
        ["trusted.a", 1000],
        ["trusted.b", 1000],
      ],
    );
  }
});

test("wide trees and deep ones are copied whole and go whole; what is only to be emptied stays", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const { jail, open } = makeJail(machine);
  const { copy, plan } = planCopy(machine, open);
  for (let n = 0; n < 500; n++) {
    writeFileSync(join(jail, `a file with quite a long name, number ${n}`), "");
    if (n % 3 === 0) mkdirSync(join(jail, `folder ${n}/below`), { recursive: true });
  }
  deepen(jail, 200);
  await machine.executor.run(plan, never);
  const list = (root: string): string[] => readdirSync(root, { encoding: "utf8", recursive: true }).sort();
  assert.deepEqual(list(copy), list(jail));
  const clear = (slot: number) => why({ op: "clearDir", slot });
  await machine.executor.run([...plan.slice(0, 2), clear(0), clear(1)], never);
  assert.deepEqual([readdirSync(jail), readdirSync(copy)], [[], []]);
});

test("a removal goes on where another one was killed", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, open } = makeJail(machine);
  mkdirSync(join(jail, "tree/.gantry-removed-0/x"), { recursive: true });
  mkdirSync(join(jail, "tree/.gantry-removed-2"));
  writeFileSync(join(jail, "tree/.gantry-removed-1"), "");
  deepen(join(jail, "tree"), 1000);
  await machine.executor.run([open, why({ op: "removeTree", path: "tree", root: 0 })], never);
  assert.deepEqual(readdirSync(jail), []);
  const gone = why({ op: "removeTree", path: "tree", root: 0 });
  assert.equal((await failureOf(machine, [open, gone])).message, "test: fstatat(2): ENOENT");
  await machine.executor.run([open, { ...gone, ...{ missingOk: true } }], never);
});

test("what fails deep in a tree leaves nothing open", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, outside, open } = makeJail(machine);
  const { copy, plan } = planCopy(machine, open);
  const below = "a/b/c/d/e";
  mkdirSync(join(jail, below, "mount"), { recursive: true });
  mkdirSync(join(copy, below), { recursive: true });
  const remove = why({ op: "removeTree", path: "a", root: 0 });
  const mount = why({ op: "bind", source: outside, target: `${below}/mount`, root: 0, recursive: false });
  const tries = Array.from({ length: 5 }, () => [
    { ...remove, mayFail: true },
    ...plan.slice(2).map((op) => ({ ...op, mayFail: true })),
  ]).flat();
  const openAfter = async (...more: Plan): Promise<number> => {
    await using held = await machine.executor.hold(
      [...ownMounts, ...plan.slice(0, 2), mount, ...more],
      never,
    );
    return readdirSync(`/proc/${held.pid}/fd`).length;
  };
  assert.equal(await openAfter(...tries), await openAfter());
  assert.equal(
    (await failureOf(machine, [...ownMounts, open, mount, remove])).message,
    "test: unlinkat(2): EBUSY",
  );
  assert.equal((await failureOf(machine, plan)).message, "test: mkdirat(2): EEXIST");
});

/** A process that makes of a directory with something in it a link to the outside, and back, without a pause. */
const exchanger = (jail: string, outside: string) =>
  spawn(
    process.execPath,
    [
      "-e",
      `const fs = require("fs"); const tries = [() => fs.mkdirSync("tree/a/b", { recursive: true }), () => fs.writeFileSync("tree/a/b/f", ""),
        () => fs.renameSync("tree/a", "tree/c"), () => fs.symlinkSync(process.argv[1], "tree/a"), () => fs.renameSync("tree/a", "spare" + Math.random())];
      console.log("ready"); for (;;) for (const act of tries) try { act(); } catch {}`,
      outside,
    ],
    { cwd: jail, stdio: ["ignore", "pipe", "inherit"] },
  );

test("a tree that is exchanged under a removal or a copy leads neither outside", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { jail, outside, open } = makeJail(machine);
  mkdirSync(join(outside, "b"));
  writeFileSync(join(outside, "b/f"), "secret");
  writeFileSync(join(outside, "secret"), "secret");
  mkdirSync(join(jail, "tree"));
  const child = exchanger(jail, outside);
  try {
    await once(child.stdout, "data");
    for (let n = 0; n < 100; n++) {
      const copy = join(machine.folder, `copies/${n}`);
      mkdirSync(copy, { recursive: true });
      const to = why({ op: "open", path: copy, flags: O_PATH_DIRECTORY, slot: 1 });
      const from = why({ op: "open", path: join(jail, "tree"), flags: O_PATH_DIRECTORY, slot: 0 });
      const copyTree = why({ op: "copyTree", from: 0, to: 1 });
      await machine.executor.run([from, to, { ...copyTree, mayFail: true }], never);
      const remove = why({ op: "removeTree", path: "tree/a", root: 0 });
      await machine.executor.run([open, { ...remove, mayFail: true }], never);
    }
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  const copied = execFileSync("find", [join(machine.folder, "copies"), "-type", "f", "-printf", "%f %s\\n"]);
  assert.deepEqual([...new Set(copied.toString().split("\n"))].sort(), ["", "f 0"]);
  assert.deepEqual(readdirSync(outside), ["b", "secret"]);
  assert.deepEqual(readdirSync(join(outside, "b")), ["f"]);
});
