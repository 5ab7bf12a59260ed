import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PlanError } from "../plan/executor.ts";
import type { Attributes } from "../plan/ops.ts";
import { openDirectory } from "./open-directory.ts";
import { findRecord, readTree } from "./read.ts";
import { type TreeOp, TreeWriter } from "./write.ts";

const attributes: Attributes = {
  mode: 0o644,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  mtime: { sec: 7, nsec: 250_000_000 },
  xattrs: [],
};
const file = (path: string, size = 0): TreeOp => ({ op: "makeFile", why: path, path, attributes, size });
const folder = (path: string, mode = 0o755): TreeOp => ({
  op: "makeDir",
  why: path,
  path,
  attributes: { ...attributes, mode },
});
const symlink = (path: string, target: string): TreeOp => ({
  op: "makeSymlink",
  why: path,
  path,
  target,
  attributes,
});
const remove = (path: string): TreeOp => ({ op: "removeTree", why: path, path });

/** A folder with a root in it and something outside of that; removed with the block. */
function openScene() {
  const top = mkdtempSync(join(tmpdir(), "gantry-trees-"));
  const [root, outside] = [join(top, "root"), join(top, "outside")];
  for (const path of [root, outside]) mkdirSync(path);
  writeFileSync(join(outside, "kept"), "");
  const open = new DisposableStack();
  open.defer(() => rmSync(top, { recursive: true }));
  const writer = open.use(new TreeWriter(open.use(openDirectory(root)).fd));
  return {
    root,
    outside,
    at: (path: string): string => join(root, path),
    apply: (...ops: readonly TreeOp[]): void => {
      for (const op of ops) writer.apply(op);
    },
    data: (text: string): void => writer.data(Buffer.from(text)),
    [Symbol.dispose]: (): void => open.dispose(),
  };
}

test("a file has what the archive says, when its content is complete", () => {
  using scene = openScene();
  scene.apply({
    ...file("a", 5),
    op: "makeFile",
    size: 5,
    attributes: { ...attributes, mode: 0o4640, xattrs: [{ name: "user.note", value: Buffer.from("kept") }] },
  });
  scene.data("he");
  scene.data("llo");
  const { mode, mtimeMs } = statSync(scene.at("a"));
  assert.deepEqual([mode & 0o7777, mtimeMs], [0o4640, 7250]);
  assert.equal(readFileSync(scene.at("a"), "utf8"), "hello");
  using root = openDirectory(scene.root);
  const [, told] = [...readTree(root.fd, ".")];
  assert.deepEqual(
    told?.record.xattrs.map(({ name, value }) => [name, Buffer.from(value).toString()]),
    [["user.note", "kept"]],
  );
});

test("owners, special bits and capabilities are kept", {
  skip: process.getuid?.() !== 0 && "needs root",
}, () => {
  using scene = openScene();
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  const owned = {
    ...attributes,
    mode: 0o4755,
    uid: 7,
    gid: 8,
    xattrs: [{ name: "security.capability", value: capability }],
  };
  scene.apply({ op: "makeFile", why: "", path: "tool", attributes: owned, size: 1 });
  scene.data("x");
  scene.apply(
    { op: "makeSymlink", why: "", path: "link", target: "/nowhere", attributes: owned },
    {
      op: "makeNode",
      why: "",
      path: "null",
      attributes: { ...attributes, mode: 0o20640 },
      major: 1,
      minor: 3,
    },
    {
      op: "makeNode",
      why: "",
      path: "pipe",
      attributes: { ...attributes, mode: 0o10604 },
      major: 0,
      minor: 0,
    },
  );
  const tool = statSync(scene.at("tool"));
  assert.deepEqual([tool.mode & 0o7777, tool.uid, tool.gid], [0o4755, 7, 8]);
  const link = lstatSync(scene.at("link"));
  assert.deepEqual([link.uid, link.gid, link.mtimeMs], [7, 8, 7250]);
  const device = statSync(scene.at("null"));
  assert.deepEqual([device.mode, device.rdev], [0o20640, 0x103]);
  assert.equal(statSync(scene.at("pipe")).mode, 0o10604);
  using root = openDirectory(scene.root);
  assert.deepEqual(findRecord(root.fd, "tool")?.xattrs, [{ name: "security.capability", value: capability }]);
});

test("directories that are missing are made, whatever the umask is", () => {
  using scene = openScene();
  const before = process.umask(0o077);
  try {
    scene.apply(file("/x/y/z"), file("x/y/w"));
  } finally {
    process.umask(before);
  }
  assert.equal(statSync(scene.at("x/y")).mode & 0o777, 0o755);
  assert.deepEqual(readdirSync(scene.at("x/y")).sort(), ["w", "z"]);
});

test("a symlink on the way stays below the root, one to nothing gets its target", () => {
  using scene = openScene();
  scene.apply(symlink("out", "/deep/../deep/er"), file("out/a"), symlink("up", "../../.."), file("up/b"));
  assert.ok(existsSync(scene.at("deep/er/a")));
  assert.ok(existsSync(scene.at("b")));
  assert.deepEqual(readdirSync(scene.outside), ["kept"]);
});

test("a symlink at the end is replaced", () => {
  using scene = openScene();
  symlinkSync(scene.outside, scene.at("a"));
  symlinkSync(join(scene.outside, "kept"), scene.at("b"));
  scene.apply(folder("a"), file("b", 1));
  scene.data("x");
  assert.ok(lstatSync(scene.at("a")).isDirectory() && lstatSync(scene.at("b")).isFile());
  assert.equal(readFileSync(join(scene.outside, "kept"), "utf8"), "");
});

test("what is in the way goes, a directory with all that is in it; links in it lead nowhere", () => {
  using scene = openScene();
  mkdirSync(scene.at("a/b"), { recursive: true });
  writeFileSync(scene.at("a/b/c"), "");
  symlinkSync(scene.outside, scene.at("a/out"));
  scene.apply(file("a"), symlink("a", "new"));
  assert.equal(readlinkSync(scene.at("a")), "new");
  assert.deepEqual(readdirSync(scene.outside), ["kept"]);
});

test("an existing directory keeps what is in it and gets the attributes", () => {
  using scene = openScene();
  mkdirSync(scene.at("a"));
  writeFileSync(scene.at("a/b"), "");
  scene.apply(folder("a", 0o1700), { op: "setTimes", why: "a", path: "a", mtime: { sec: -3, nsec: 0 } });
  const { mode, mtimeMs } = statSync(scene.at("a"));
  assert.deepEqual([mode & 0o7777, mtimeMs], [0o1700, -3000]);
  using root = openDirectory(scene.root);
  assert.equal(findRecord(root.fd, "a")?.mtime.sec, -3);
  assert.ok(existsSync(scene.at("a/b")));
});

test("a hard link to itself stays, to another replaces it", () => {
  using scene = openScene();
  scene.apply(file("a", 1));
  scene.data("x");
  const link = (path: string): TreeOp => ({ op: "makeHardlink", why: path, path, target: "a" });
  scene.apply(link("a"), file("b"), link("b"), link("c/d"));
  assert.equal(statSync(scene.at("a")).nlink, 3);
  assert.equal(readFileSync(scene.at("b"), "utf8"), "x");
});

test("removals take what is below, across no symlink; absent is fine", () => {
  using scene = openScene();
  mkdirSync(scene.at("a/b"), { recursive: true });
  symlinkSync(scene.outside, scene.at("a/out"));
  symlinkSync(scene.outside, scene.at("out"));
  scene.apply(remove("a"), remove("none/x"), remove("out"), { op: "clearDir", why: "", path: "none" });
  assert.deepEqual(readdirSync(scene.root), []);
  scene.apply(file("d/e/f"), { op: "clearDir", why: "", path: "d" });
  assert.deepEqual(readdirSync(scene.at("d")), []);
  assert.throws(() => scene.apply(remove(".")), PlanError);
  assert.deepEqual(readdirSync(scene.outside), ["kept"]);
});

test("the directory that was used last is not used any more when it is gone", () => {
  using scene = openScene();
  scene.apply(file("a/b"), remove("a"), file("a/b"));
  assert.ok(existsSync(scene.at("a/b")));
});

test("a tree deeper than the descriptors that there are goes, too", () => {
  using scene = openScene();
  mkdirSync(scene.at("d/".repeat(1000)), { recursive: true });
  mkdirSync(scene.at("d/.gantry-removed-0/x"), { recursive: true }); // of one that was killed
  scene.apply(remove("d"));
  assert.deepEqual(readdirSync(scene.root), []);
});

test("kinds are told apart, and a failure tells of what", () => {
  using scene = openScene();
  scene.apply(file("f"), folder("d"));
  const check = (path: string, directory: boolean): TreeOp => ({
    op: "checkKind",
    why: path,
    path,
    directory,
  });
  scene.apply(check("f", false), check("d", true), check("none", true));
  assert.throws(() => scene.apply(check("f", true)), /^PlanError: f: openat2\(2\): ENOTDIR$/);
  assert.throws(() => scene.apply(check("d", false)), /EISDIR/);
  assert.throws(() => scene.apply(file("f/x")), /^PlanError: f\/x: .*ENOTDIR$/);
});

test("content that was not announced, or is still to come, is refused", () => {
  using scene = openScene();
  assert.throws(() => scene.data("x"), /EBADMSG/);
  scene.apply(file("a", 2));
  assert.throws(() => scene.data("xyz"), /EBADMSG/);
  assert.throws(() => scene.apply(file("b")), /EBADMSG/);
});
