import assert from "node:assert/strict";
import { test } from "node:test";
import { TarReader } from "#formats/tar-reader.ts";
import { fileTypes, type TreePart, type TreeRecord } from "#kernel/plan/tree-record.ts";
import { namesBelow, type PackStyle, packTree, plainNames } from "./pack.ts";

const entry = (path: string, values: Partial<TreeRecord> = {}): TreePart => ({
  kind: "entry",
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
    hasContent: false,
    ...values,
  },
});
const content = (text: string): TreePart => ({ kind: "content", data: Buffer.from(text) });
const directory = { mode: fileTypes.directory | 0o755 };

async function pack(parts: readonly TreePart[], style: Partial<PackStyle> = {}): Promise<Buffer> {
  const all = (async function* () {
    yield* parts;
  })();
  const chunks: Uint8Array[] = [];
  for await (const chunk of packTree(all, { name: plainNames, layer: false, exclude: new Set(), ...style }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

function names(archive: Buffer): readonly string[] {
  const reader = new TarReader();
  const found: string[] = [];
  for (const event of reader.push(archive))
    if (event.kind === "entry")
      found.push(
        `${event.entry.type} ${event.entry.name}${event.entry.linkName && ` -> ${event.entry.linkName}`}`,
      );
    else found.push(event.data.toString());
  reader.finish();
  return found;
}

test("the second name of a file is a link to the first", async () => {
  const two = { inode: "1:1", links: 2, size: 2 };
  const archive = await pack([
    entry("a", { ...two, hasContent: true }),
    content("h"),
    content("i"),
    entry("b", two),
  ]);
  assert.deepEqual(names(archive), ["file a", "hi", "hardlink b -> a"]);
});

test("a tree goes by the name that it was asked for by", async () => {
  const parts = [entry("", directory), entry("x")];
  assert.deepEqual(names(await pack(parts, { name: namesBelow("w") })), ["directory w/", "file w/x"]);
  assert.deepEqual(names(await pack(parts, { name: namesBelow("/") })), ["directory /", "file /x"]);
  assert.deepEqual(names(await pack(parts, { name: namesBelow(".") })), ["directory ./", "file ./x"]);
});

test("overlay's marks become those of layers, and its attributes stay behind", async () => {
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
  const archive = await pack(parts, { layer: true });
  assert.deepEqual(names(archive), ["directory d/", "file d/.wh..wh..opq", "file d/.wh.gone"]);
  assert.ok(archive.includes("SCHILY.xattr.user.note") && !archive.includes("trusted.overlay"));
});

test("what is left out takes its content along; sockets have no place in an archive", async () => {
  const parts = [
    entry("a", { size: 1, hasContent: true }),
    content("x"),
    entry("s", { mode: fileTypes.socket }),
    entry("b"),
  ];
  assert.deepEqual(names(await pack(parts, { exclude: new Set(["a"]) })), ["file b"]);
});

test("names that are not UTF-8 stay as they are", async () => {
  const archive = await pack([entry("", directory), { ...entry("x"), ...rename(Buffer.from([0x61, 0xff])) }]);
  assert.ok(archive.includes(Buffer.from([0x61, 0xff, 0])));
});

function rename(path: Buffer): TreePart {
  const part = entry("x");
  assert.ok(part.kind === "entry");
  return { kind: "entry", record: { ...part.record, path } };
}
