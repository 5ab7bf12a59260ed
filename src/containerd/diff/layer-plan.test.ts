import assert from "node:assert/strict";
import { test } from "node:test";
import { tarEntry } from "#formats/tar-writer.ts";
import type { TreeOp } from "#kernel/trees/write.ts";
import { cleanPath, LayerPlan } from "./layer-plan.ts";

const file = (name: string) => tarEntry({ name, type: "file" });
const directory = (name: string) => tarEntry({ name, type: "directory", mtime: { sec: 7, nsec: 0 } });
const show = (ops: readonly TreeOp[]): readonly string[] =>
  ops.map((op) => `${op.op} ${"path" in op ? op.path : ""}`);

for (const [name, expected] of [
  ["./a//b/", "a/b"],
  ["/a", "a"],
  ["../../a", "a"],
  ["a/../../b", "b"],
  ["./", "."],
  ["..", "."],
  ["a/./b/..", "a"],
] as const) {
  test(`the name ${name} means ${expected}`, () => {
    assert.equal(cleanPath(name), expected);
  });
}

test("whiteouts come out as removals", () => {
  const plan = new LayerPlan();
  assert.deepEqual(show(plan.entry(file("a/.wh.b"))), ["removeTree a/b"]);
  assert.deepEqual(show(plan.entry(file(".wh.c"))), ["removeTree c"]);
  assert.deepEqual(show(plan.entry(file("a/.wh..wh..opq"))), ["clearDir a"]);
  assert.deepEqual(show(plan.entry(file(".wh..wh..opq"))), ["clearDir ."]);
  assert.deepEqual(show(plan.entry(file(".wh..wh.plnk/1.2"))), ["makeFile .wh..wh.plnk/1.2"]);
  assert.deepEqual(show(plan.entry(file(".wh..wh.aufs"))), []);
  assert.equal(plan.late.size, 0);
});

test("a whiteout after the entries that it must not touch is left for a second plan", () => {
  const entries = [
    file("d/new"),
    file("d/.wh..wh..opq"),
    file("x"),
    file(".wh.x"),
    file("e/y"),
    file(".wh.e"),
  ];
  const first = new LayerPlan();
  assert.deepEqual(show(entries.flatMap((entry) => first.entry(entry))), [
    "makeFile d/new",
    "makeFile x",
    "makeFile e/y",
  ]);
  const second = new LayerPlan(first.late);
  assert.deepEqual(show(second.begin()), ["clearDir d", "removeTree x", "removeTree e"]);
  assert.deepEqual(show(entries.flatMap((entry) => second.entry(entry))), [
    "makeFile d/new",
    "makeFile x",
    "makeFile e/y",
  ]);
  assert.equal(second.late.size, 0);
});

test("directories get their times at the end, those that were replaced do not", () => {
  const plan = new LayerPlan();
  for (const entry of [directory("a"), directory("b"), directory("b/c"), file("b")]) plan.entry(entry);
  assert.deepEqual(show(plan.end()), ["setTimes a"]);
});

test("a device keeps its type in the mode", () => {
  const [op] = new LayerPlan().entry(tarEntry({ name: "n", type: "block", mode: 0o600, major: 7, minor: 1 }));
  assert.ok(op?.op === "makeNode" && op.attributes.mode === 0o060600);
});
