import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDirectory } from "./open-directory.ts";
import { findRecord, namesIn, readTree } from "./read.ts";
import type { TreeRecord } from "./record.ts";

interface Told {
  readonly record: TreeRecord;
  readonly content: string;
}

function readAll(top: string, path = "."): readonly Told[] {
  using root = openDirectory(top);
  const told: Told[] = [];
  for (const { record, read } of readTree(root.fd, path)) {
    const into = Buffer.alloc(1 << 20);
    let content = "";
    for (let size = read(into); size > 0; size = read(into)) content += into.toString("latin1", 0, size);
    told.push({ record, content });
  }
  return told;
}

const pathsOf = (told: readonly Told[]): readonly string[] => told.map(({ record }) => String(record.path));

/** Removed with the block. */
function makeFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "gantry-trees-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function makeTree(top: string): void {
  mkdirSync(join(top, "d/e"), { recursive: true });
  writeFileSync(join(top, "d/b"), "bytes", { mode: 0o640 });
  linkSync(join(top, "d/b"), join(top, "d/e/again"));
  symlinkSync("/etc/passwd", join(top, "link"));
  execFileSync("mkfifo", [join(top, "fifo")]);
  utimesSync(join(top, "d/b"), 1, 1.5);
}

test("a tree is told in the order of names, each directory before what is in it", () => {
  using folder = makeFolder();
  makeTree(folder.path);
  const told = readAll(folder.path);
  assert.deepEqual(pathsOf(told), ["", "d", "d/b", "d/e", "d/e/again", "fifo", "link"]);
  const [, , file, , again, , link] = told;
  assert.equal(file?.content, "bytes");
  assert.equal(file?.record.mode, 0o100640);
  assert.equal(file?.record.size, 5);
  assert.deepEqual(file?.record.mtime, { sec: 1, nsec: 500_000_000 });
  assert.equal(again?.record.inode, file?.record.inode);
  assert.equal(link?.record.target.toString(), "/etc/passwd");
});

test("a path that is a symlink is told as one; one in the middle stays below the root", () => {
  using folder = makeFolder();
  makeTree(folder.path);
  symlinkSync("/d", join(folder.path, "inside"));
  assert.deepEqual(
    readAll(folder.path, "link").map(({ record }) => record.target.toString()),
    ["/etc/passwd"],
  );
  assert.deepEqual(
    readAll(folder.path, "inside/b").map(({ content }) => content),
    ["bytes"],
  );
  assert.deepEqual(readAll(folder.path, "../../d/e/again")[0]?.content, "bytes");
});

test("names that are not UTF-8 are told as they are", () => {
  using folder = makeFolder();
  const name = Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.of(0x61, 0xff)]);
  writeFileSync(name, "");
  assert.deepEqual(readAll(folder.path)[1]?.record.path, Buffer.of(0x61, 0xff));
});

test("a sparse file's hole is zeros", () => {
  using folder = makeFolder();
  writeFileSync(join(folder.path, "small"), "s");
  truncateSync(join(folder.path, "small"), 700_000);
  assert.equal(readAll(folder.path)[1]?.content, `s${"\0".repeat(699_999)}`);
});

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

test("a deep tree is read to its end with few descriptors", () => {
  using folder = makeFolder();
  const depth = 500;
  mkdirSync(join(folder.path, "d/".repeat(depth)), { recursive: true });
  for (let level = 0; level < depth; level += 50)
    writeFileSync(join(folder.path, "d/".repeat(level), "z"), `${level}`);
  using root = openDirectory(folder.path);
  const before = openDescriptors();
  let most = 0;
  const found: string[] = [];
  for (const { record, read } of readTree(root.fd, ".")) {
    most = Math.max(most, openDescriptors());
    const into = Buffer.alloc(10);
    if (record.path.toString().endsWith("z")) found.push(into.toString("latin1", 0, read(into)));
  }
  assert.deepEqual(
    found,
    Array.from({ length: depth / 50 }, (_, index) => `${depth - 50 - index * 50}`),
  );
  assert.ok(most - before < 80, `${most - before} descriptors`);
  assert.equal(openDescriptors(), before);
});

test("what vanishes meanwhile is left out, and whoever stops early leaves nothing open", () => {
  using folder = makeFolder();
  for (const name of ["a/b", "c"]) mkdirSync(join(folder.path, name), { recursive: true });
  const before = openDescriptors();
  {
    using root = openDirectory(folder.path);
    const paths: string[] = [];
    for (const { record } of readTree(root.fd, ".")) {
      paths.push(record.path.toString());
      if (record.path.toString() === "a") rmSync(join(folder.path, "c"), { recursive: true });
    }
    assert.deepEqual(paths, ["", "a", "a/b"]);
    for (const { record } of readTree(root.fd, ".")) if (record.path.toString() === "a") break;
  }
  assert.equal(openDescriptors(), before);
});

test("a file that is exchanged for a symlink is told as a symlink", () => {
  using folder = makeFolder();
  for (const name of ["a", "z"]) writeFileSync(join(folder.path, name), "harmless");
  using root = openDirectory(folder.path);
  const told: TreeRecord[] = [];
  for (const { record } of readTree(root.fd, ".")) {
    told.push(record);
    if (record.path.toString() !== "a") continue;
    symlinkSync("/etc/passwd", join(folder.path, "y"));
    renameSync(join(folder.path, "y"), join(folder.path, "z"));
  }
  assert.equal(told.at(-1)?.target.toString(), "/etc/passwd");
});

test("a path that leads to nothing has no record and no names", () => {
  using folder = makeFolder();
  makeTree(folder.path);
  using root = openDirectory(folder.path);
  assert.equal(findRecord(root.fd, "none/x"), undefined);
  assert.equal(findRecord(root.fd, "d/b/x"), undefined);
  assert.equal(findRecord(root.fd, "d/b")?.size, 5);
  assert.deepEqual(namesIn(root.fd, "d"), ["b", "e"]);
  assert.deepEqual(namesIn(root.fd, "d/b"), []);
});
