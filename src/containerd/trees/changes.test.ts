import assert from "node:assert/strict";
import { test } from "node:test";
import { fileTypes, type TreeRecord } from "#kernel/trees/record.ts";
import { listChanges, replacedDirectories, type UpperEntry } from "./changes.ts";

const record = (path: string, values: Partial<TreeRecord> = {}): TreeRecord => ({
  mode: fileTypes.file | 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { sec: 1, nsec: 1 },
  inode: "",
  links: 1,
  major: 0,
  minor: 0,
  path: Buffer.from(path),
  target: Buffer.alloc(0),
  xattrs: [],
  ...values,
});
const directory = { mode: fileTypes.directory | 0o755 };
const whiteout = { mode: fileTypes.character };
const opaque = { ...directory, xattrs: [{ name: "trusted.overlay.opaque", value: Buffer.from("y") }] };

const entry = (
  upper: TreeRecord,
  below?: Partial<TreeRecord>,
  hidden: readonly string[] = [],
): UpperEntry => ({
  record: upper,
  below: below === undefined ? undefined : record(upper.path.toString(), below),
  hidden,
});

const letters = ["C", "A", "D"] as const;
const show = (...entries: readonly UpperEntry[]): readonly string[] =>
  listChanges(entries).map(({ Path, Kind }) => `${letters[Kind]} ${Path}`);

test("a directory is told when something in it is, before that", () => {
  const shown = show(
    entry(record("etc", directory), { ...directory, mtime: { sec: 9, nsec: 9 } }),
    entry(record("etc/gone", whiteout), {}),
    entry(record("etc/new")),
  );
  assert.deepEqual(shown, ["C /etc", "D /etc/gone", "A /etc/new"]);
});

test("a directory's time alone is no change, its mode is", () => {
  assert.deepEqual(show(entry(record("tmp", directory), { ...directory, mtime: { sec: 2, nsec: 0 } })), []);
  assert.deepEqual(show(entry(record("tmp", { mode: fileTypes.directory | 0o700 }), directory)), ["C /tmp"]);
});

test("a file that was copied up and left as it was is no change", () => {
  assert.deepEqual(show(entry(record("f", { size: 3 }), { size: 3 })), []);
  assert.deepEqual(show(entry(record("f", { size: 3 }), { size: 4 })), ["C /f"]);
  assert.deepEqual(show(entry(record("f", { uid: 1 }), {})), ["C /f"]);
});

test("a whiteout of what is not there hides nothing", () => {
  assert.deepEqual(show(entry(record("x", whiteout))), []);
});

test("a directory made anew hides what was in it", () => {
  const shown = show(
    entry(record("d", opaque), directory, ["a", "kept", "z"]),
    entry(record("d/kept", { size: 1 }), {}),
    entry(record("d/m")),
  );
  assert.deepEqual(shown, ["C /d", "D /d/a", "C /d/kept", "A /d/m", "D /d/z"]);
});

test("what is below a directory made anew hides, too", () => {
  const records = [
    record("a", directory),
    record("d", opaque),
    record("d/e", directory),
    record("de", directory),
  ];
  assert.deepEqual(
    [...replacedDirectories(records)].map(({ path }) => path.toString()),
    ["d", "d/e"],
  );
});
