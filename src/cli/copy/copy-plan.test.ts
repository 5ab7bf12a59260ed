import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSide, planCopy, renameEntry, sourceName } from "./copy-plan.ts";

const file = { path: "/s/f", isDirectory: false, name: "f" };
const folder = { path: "/s/d", isDirectory: true, name: "d" };
const absent = (path: string) => ({ path, exists: false, isDirectory: false });

for (const [text, side] of [
  ["box:/x", { container: "box", path: "/x" }],
  ["box:x:y", { container: "box", path: "x:y" }],
  ["./box:x", { path: "./box:x" }],
  ["/box:x", { path: "/box:x" }],
  ["x", { path: "x" }],
  ["-", { path: "-" }],
] as const)
  test(`${text} is understood as Docker does`, () => assert.deepEqual(parseSide(text), side));

test("into a directory that is there, everything goes by its own name", () => {
  assert.deepEqual(planCopy(file, { path: "/t", exists: true, isDirectory: true }), { directory: "/t" });
});

test("what is not there gets the name of the destination", () => {
  const expected = { directory: "/t", rename: { from: "d", to: "new" } };
  assert.deepEqual(planCopy(folder, absent("/t/new")), expected);
  assert.deepEqual(planCopy(folder, absent("/t/new/")), expected);
});

test("what cannot be, is refused in Docker's words", () => {
  const there = { path: "/t/f", exists: true, isDirectory: false };
  assert.throws(() => planCopy(folder, there), /^Error: cannot copy directory$/);
  assert.throws(() => planCopy(file, absent("/t/new/")), /^Error: no such directory$/);
});

test("entries are renamed by their first component only", () => {
  const rename = { from: "d", to: "new" };
  assert.equal(renameEntry("d/d/x", rename), "new/d/x");
  assert.equal(renameEntry("dd/x", rename), "dd/x");
  assert.equal(renameEntry("/x", { from: "/", to: "root" }), "root/x");
});

test("a source with a dot behind it is what is in it", () => {
  assert.deepEqual(["/w", "/w/", "/w/.", "/"].map(sourceName), ["w", "w", ".", "/"]);
});
