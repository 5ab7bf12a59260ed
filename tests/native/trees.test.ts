// Trees as a stream tells them: records in order, content once, nothing followed, nothing waited for.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TreeRecord } from "#kernel/plan/tree-record.ts";
import { openSession } from "#kernel/zygote/connect.ts";
import { type NativeMachine, never, skip, startNativeMachine } from "./native-machine.ts";

const O_PATH_DIRECTORY = 0o12200000;
const why = "test";

interface Told {
  readonly record: TreeRecord;
  readonly content: string;
}

async function readTree(machine: NativeMachine, folder: string, path = "."): Promise<readonly Told[]> {
  await using session = await openSession(join(machine.folder, "zygote.sock"), never);
  await session.write({ op: "open", why, path: folder, flags: O_PATH_DIRECTORY, slot: 0 });
  const told: { record: TreeRecord; content: string }[] = [];
  for await (const part of session.read({ op: "readTree", why, root: 0, path, content: true })) {
    if (part.kind === "entry") told.push({ record: part.record, content: "" });
    else {
      const last = told.at(-1);
      assert.ok(last);
      last.content += part.data.toString("latin1");
    }
  }
  await session.end();
  return told;
}

function makeTree(machine: NativeMachine): string {
  const top = join(machine.folder, "tree");
  mkdirSync(join(top, "d/e"), { recursive: true });
  writeFileSync(join(top, "d/b"), "bytes", { mode: 0o640 });
  linkSync(join(top, "d/b"), join(top, "d/e/again"));
  symlinkSync("/etc/passwd", join(top, "link"));
  execFileSync("mkfifo", [join(top, "fifo")]);
  execFileSync("mknod", [join(top, "null"), "c", "1", "3"]);
  execFileSync("setfattr", ["-n", "user.note", "-v", "kept", join(top, "d/b")]);
  utimesSync(join(top, "d/b"), 1, 1.5);
  return top;
}

test("a tree is told in the order of names, the content of hard links once", { skip }, async () => {
  await using machine = await startNativeMachine();
  const told = await readTree(machine, makeTree(machine));
  assert.deepEqual(
    told.map(({ record }) => record.path.toString()),
    ["", "d", "d/b", "d/e", "d/e/again", "fifo", "link", "null"],
  );
  const [, , file, , again, , link, device] = told;
  assert.equal(file?.content, "bytes");
  assert.equal(file?.record.mode, 0o100640);
  assert.deepEqual(file?.record.mtime, { sec: 1, nsec: 500_000_000 });
  assert.deepEqual(
    file?.record.xattrs.map(({ name, value }) => [name, Buffer.from(value).toString()]),
    [["user.note", "kept"]],
  );
  assert.equal(again?.record.hasContent, false);
  assert.equal(again?.record.inode, file?.record.inode);
  assert.equal(link?.record.target.toString(), "/etc/passwd");
  assert.deepEqual([device?.record.major, device?.record.minor], [1, 3]);
});

test("a path that is a symlink is told as one; one in the middle stays below the root", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const top = makeTree(machine);
  symlinkSync("/d", join(top, "inside"));
  assert.deepEqual(
    (await readTree(machine, top, "link")).map(({ record }) => record.target.toString()),
    ["/etc/passwd"],
  );
  assert.deepEqual(
    (await readTree(machine, top, "inside/b")).map(({ content }) => content),
    ["bytes"],
  );
});

test("content of many frames comes whole, a sparse file's hole as zeros", { skip }, async () => {
  await using machine = await startNativeMachine();
  const top = join(machine.folder, "tree");
  mkdirSync(top);
  writeFileSync(join(top, "large"), Buffer.alloc(3_000_001, "abcdefg"));
  writeFileSync(join(top, "small"), "s");
  truncateSync(join(top, "small"), 700_000);
  const [, large, small] = await readTree(machine, top);
  assert.equal(large?.content, Buffer.alloc(3_000_001, "abcdefg").toString());
  assert.equal(small?.content, `s${"\0".repeat(699_999)}`);
});

test("a session answers between operations and goes on", { skip }, async () => {
  await using machine = await startNativeMachine();
  const top = makeTree(machine);
  await using session = await openSession(join(machine.folder, "zygote.sock"), never);
  await session.write({ op: "open", why, path: top, flags: O_PATH_DIRECTORY, slot: 0 });
  const missing = await session.ask({ op: "stat", why, root: 0, path: "absent", missingOk: true });
  assert.deepEqual(missing, []);
  assert.equal((await session.ask({ op: "stat", why, root: 0, path: "d/b" })).length, 1);
  await session.write({ op: "checkKind", why, root: 0, path: "d", directory: true });
  await session.write({ op: "checkKind", why, root: 0, path: "absent", directory: false });
  await assert.rejects(async () => {
    await session.write({ op: "checkKind", why: "d/b", root: 0, path: "d/b", directory: true });
    await session.end();
  }, /d\/b: .*ENOTDIR/);
});
