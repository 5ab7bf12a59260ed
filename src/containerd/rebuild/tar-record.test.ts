import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteSource } from "#formats/deflate/bits.ts";
import { RecordReader, RecordWriter } from "#formats/record-file.ts";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding } from "#formats/tar-writer.ts";
import { TarRebuilder, TarRecorder } from "./tar-record.ts";

function sourceOf(bytes: Buffer): ByteSource {
  let at = 0;
  return {
    read: (into) => {
      const size = bytes.copy(into, 0, at);
      at += size;
      return size;
    },
  };
}

const file = (name: string, content: Buffer): Buffer =>
  Buffer.concat([
    encodeTarEntry(tarEntry({ name, type: "file", size: content.length })),
    content,
    tarPadding(content.length),
  ]);

function record(archive: Buffer, step: number): Buffer {
  const pieces: Buffer[] = [];
  const recorder = new TarRecorder(new RecordWriter((bytes) => pieces.push(Buffer.from(bytes))));
  for (let at = 0; at < archive.length; at += step) recorder.push(archive.subarray(at, at + step));
  recorder.finish();
  return Buffer.concat(pieces);
}

function rebuild(bytes: Buffer, files: ReadonlyMap<string, Buffer>): Buffer {
  using rebuilder = new TarRebuilder(new RecordReader(sourceOf(bytes)), (path) => ({
    read: (into, offset) => (files.get(path) ?? Buffer.alloc(0)).copy(into, 0, offset),
    [Symbol.dispose]: () => undefined,
  }));
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.alloc(1000);
    const size = rebuilder.read(piece);
    if (size === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, size));
  }
}

const large = Buffer.alloc(300_001, "0123456789");
const archive = Buffer.concat([
  encodeTarEntry(tarEntry({ name: "a", type: "directory" })),
  file("./a//b", large),
  file("small", Buffer.from("few bytes")),
  file("a/.wh.gone", Buffer.alloc(700, "x")),
  encodeTarEntry(tarEntry({ name: "l".repeat(200), type: "symlink", linkName: "t".repeat(300) })),
  file("n".repeat(180), large.subarray(0, 5000)),
  tarEnd(),
  Buffer.alloc(5 * 512, "what follows the end"),
]);
const tree = new Map([
  ["a/b", large],
  ["n".repeat(180), large.subarray(0, 5000)],
]);

for (const step of [archive.length, 512, 1000, 77_777])
  test(`an archive comes back from its files, read in pieces of ${step}`, () => {
    const bytes = record(archive, step);
    assert.ok(rebuild(bytes, tree).equals(archive));
    assert.ok(bytes.length < archive.length / 50, String(bytes.length));
  });

test("a file that is shorter than it was is an error, one that is different gives other bytes", () => {
  const bytes = record(archive, 4096);
  const shorter = new Map(tree).set("a/b", large.subarray(1));
  assert.throws(() => rebuild(bytes, shorter), /shorter than its record/);
  const other = new Map(tree).set("a/b", Buffer.alloc(large.length));
  assert.ok(!rebuild(bytes, other).equals(archive));
});

test("a record that was cut off, or is none, is an error", () => {
  const bytes = record(archive, 4096);
  assert.throws(() => rebuild(bytes.subarray(0, -3), tree), /ends too early/);
  assert.throws(() => rebuild(Buffer.alloc(100, 1), tree), /impossible size/);
});
