import assert from "node:assert/strict";
import { test } from "node:test";
import { tarEntry } from "#formats/tar-writer.ts";
import type { TreeOp } from "#kernel/trees/write.ts";
import { CopyPlan } from "./unpack-plan.ts";

const show = (ops: readonly TreeOp[]): readonly string[] =>
  ops.map((op) => `${op.op} ${"path" in op ? op.path : ""}`);
const plan = (directory: string, keepKinds = false): CopyPlan => new CopyPlan({ directory, keepKinds });
const file = (name: string) => tarEntry({ name, type: "file" });

for (const [directory, name, path] of [
  ["/w", "a", "/w/a"],
  ["/w", "/a", "/w/a"],
  ["/w", "./a//b", "/w/a/b"],
  ["/w", "b/../a", "/w/a"],
  ["/", "etc/x", "/etc/x"],
  ["/", "../x", "/x"],
] as const)
  test(`${name} goes to ${path} of ${directory}`, () => {
    assert.deepEqual(show(plan(directory).entry(file(name))), [`makeFile ${path}`]);
  });

test("names that lead out are refused in Docker's words", () => {
  assert.throws(() => plan("/w").entry(file("../x")), /^EngineError: "\.\.\/x" is outside of "\/w"$/);
  assert.throws(() => plan("/w").entry(file("../wx")), /outside/);
  const link = tarEntry({ name: "l", type: "hardlink", linkName: "../../etc/passwd" });
  assert.throws(() => plan("/w").entry(link), /invalid hardlink/);
  const symlink = tarEntry({ name: "l", type: "symlink", linkName: "../etc/passwd" });
  assert.throws(() => plan("/w").entry(symlink), /invalid symlink "\/w\/l" -> "\.\.\/etc\/passwd"/);
});

test("the directory itself is left as it is", () => {
  assert.deepEqual(plan("/w").entry(tarEntry({ name: "./", type: "directory" })), []);
});

test("kinds are checked before anything is replaced", () => {
  assert.deepEqual(show(plan("/w", true).entry(file("a"))), ["checkKind /w/a", "makeFile /w/a"]);
});

test("directories get their times last, an owner goes before the archive's", () => {
  const owned = new CopyPlan({ directory: "/", keepKinds: false, owner: { uid: 7, gid: 8 } });
  const [made] = owned.entry(tarEntry({ name: "d", type: "directory", uid: 1 }));
  assert.ok(made?.op === "makeDir" && made.attributes.uid === 7 && made.attributes.gid === 8);
  assert.deepEqual(show(owned.end()), ["setTimes /d"]);
});

test("an overlay's own marks are never taken from an archive", () => {
  const value = Buffer.from("y");
  const xattrs = ["user.note", "trusted.overlay.opaque", "user.overlay.opaque"].map((name) => ({
    name,
    value,
  }));
  const [made] = plan("/").entry(tarEntry({ name: "d", type: "directory", xattrs }));
  assert.ok(made?.op === "makeDir");
  assert.deepEqual(
    made.attributes.xattrs.map(({ name }) => name),
    ["user.note"],
  );
  assert.throws(() => plan("/").entry(tarEntry({ name: "n", type: "character" })), /character device 0:0/);
});
