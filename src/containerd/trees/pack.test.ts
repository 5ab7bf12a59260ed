import assert from "node:assert/strict";
import { test } from "node:test";
import { TarReader } from "#formats/tar-reader.ts";
import type { OpenEntry } from "#kernel/trees/read.ts";
import { fileTypes, type TreeRecord } from "#kernel/trees/record.ts";
import { namesBelow, type PackStyle, packTree, plainNames } from "./pack.ts";

/** `text`: the content, told in pieces of one byte. */
function entry(path: string, values: Partial<TreeRecord> = {}, text = ""): OpenEntry {
  const left = [...Buffer.from(text)];
  return {
    record: {
      mode: fileTypes.file | 0o644,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: { sec: 1, nsec: 5 },
      inode: path,
      links: 1,
      major: 0,
      minor: 0,
      path: Buffer.from(path),
      target: Buffer.alloc(0),
      xattrs: [],
      ...values,
    },
    read: (into) => {
      into.set(left.slice(0, 1));
      return left.splice(0, 1).length;
    },
  };
}
const directory = { mode: fileTypes.directory | 0o755 };

const pack = (entries: readonly OpenEntry[], style: Partial<PackStyle> = {}): Buffer =>
  Buffer.concat([...packTree(entries, { name: plainNames, layer: false, exclude: new Set(), ...style })]);

function names(archive: Buffer): readonly string[] {
  const reader = new TarReader();
  const found: string[] = [];
  for (const event of reader.push(archive))
    if (event.kind === "entry")
      found.push(
        `${event.entry.type} ${event.entry.name}${event.entry.linkName && ` -> ${event.entry.linkName}`}`,
      );
    else if (event.kind === "data") found.push(event.data.toString());
  reader.finish();
  return found;
}

test("the second name of a file is a link to the first", () => {
  const two = { inode: "1:1", links: 2, size: 2 };
  const archive = pack([entry("a", two, "hi"), entry("b", two)]);
  assert.deepEqual(names(archive), ["file a", "hi", "hardlink b -> a"]);
});

test("a tree goes by the name that it was asked for by", () => {
  const parts = [entry("", directory), entry("x")];
  assert.deepEqual(names(pack(parts, { name: namesBelow("w") })), ["directory w/", "file w/x"]);
  assert.deepEqual(names(pack(parts, { name: namesBelow("/") })), ["directory /", "file /x"]);
  assert.deepEqual(names(pack(parts, { name: namesBelow(".") })), ["directory ./", "file ./x"]);
});

test("overlay's marks become those of layers, and its attributes stay behind", () => {
  const value = Buffer.from("y");
  const xattrs = [
    { name: "trusted.overlay.opaque", value },
    { name: "user.note", value },
  ];
  const parts = [
    entry("", directory),
    entry("d", { ...directory, xattrs }),
    entry("d/gone", { mode: fileTypes.character }),
  ];
  const archive = pack(parts, { layer: true });
  assert.deepEqual(names(archive), ["directory d/", "file d/.wh..wh..opq", "file d/.wh.gone"]);
  assert.ok(archive.includes("SCHILY.xattr.user.note") && !archive.includes("trusted.overlay"));
});

test("what is left out takes its content along; sockets have no place in an archive", () => {
  const parts = [entry("a", { size: 1 }, "x"), entry("s", { mode: fileTypes.socket }), entry("b")];
  assert.deepEqual(names(pack(parts, { exclude: new Set(["a"]) })), ["file b"]);
});

test("names that are not UTF-8 stay as they are", () => {
  const archive = pack([entry("", directory), entry("x", { path: Buffer.from([0x61, 0xff]) })]);
  assert.ok(archive.includes(Buffer.from([0x61, 0xff, 0])));
});

test("a file that became shorter is filled up with zeros", () => {
  assert.deepEqual(names(pack([entry("a", { size: 4 }, "xy"), entry("b")])), ["file a", "xy\0\0", "file b"]);
});
