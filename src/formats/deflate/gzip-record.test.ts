import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { constants, deflateRawSync, gunzipSync, gzipSync } from "node:zlib";
import { RecordReader, RecordWriter } from "../record-file.ts";
import type { ByteSource } from "./bits.ts";
import { rebuildGzip } from "./gzip-rebuilder.ts";
import { recordGzip } from "./gzip-recorder.ts";

function sourceOf(bytes: Buffer, step = 100_000): ByteSource {
  let at = 0;
  return {
    read: (into) => {
      const size = Math.min(into.length, step, bytes.length - at);
      bytes.copy(into, 0, at, at + size);
      at += size;
      return size;
    },
  };
}

/** The same each time; some of it repeats, near and far. */
function sample(size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < size; turn++) {
    const noise = createHash("sha256").update(String(turn)).digest();
    const text = Buffer.from(
      `line ${turn % 97} of file ${turn % 1013} ${noise.toString("hex", 0, turn % 9)}\n`,
    );
    const piece = turn % 5 === 0 ? noise : text;
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces).subarray(0, size);
}

function record(file: Buffer): { readonly plain: Buffer; readonly record: Buffer } {
  const pieces: Uint8Array[] = [];
  const plain: Buffer[] = [];
  const writer = new RecordWriter((bytes) => pieces.push(Buffer.from(bytes)));
  for (const chunk of recordGzip(sourceOf(file), writer)) plain.push(Buffer.from(chunk));
  return { plain: Buffer.concat(plain), record: Buffer.concat(pieces) };
}

const rebuild = (bytes: Buffer, plain: Buffer): Buffer =>
  Buffer.concat([...rebuildGzip(new RecordReader(sourceOf(bytes)), sourceOf(plain, 7001))]);

const text = sample(1_500_000);
const files: Readonly<Record<string, Buffer>> = {
  nothing: gzipSync(Buffer.alloc(0)),
  "a few bytes": gzipSync("hello"),
  "zlib at level 6": gzipSync(text),
  "zlib at level 1": gzipSync(text, { level: 1 }),
  "zlib at level 9": gzipSync(text, { level: 9 }),
  "stored blocks": gzipSync(text, { level: 0 }),
  "fixed codes": gzipSync(text, { strategy: constants.Z_FIXED }),
  "no repetitions": gzipSync(text, { strategy: constants.Z_HUFFMAN_ONLY }),
  zeros: gzipSync(Buffer.alloc(3_000_000)),
  "several members and something behind them": Buffer.concat([
    gzipSync(text.subarray(0, 300_000)),
    gzipSync(Buffer.alloc(0)),
    gzipSync(text.subarray(300_000)),
    Buffer.from([1, 2, 3]),
  ]),
  "a header with all its fields": Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 30, 1, 2, 3, 4, 0, 255, 3, 0, 7, 8, 9]),
    Buffer.from("name\0comment\0ab"),
    deflateRawSync(text),
    gzipSync(text).subarray(-8),
  ]),
};

for (const [name, file] of Object.entries(files))
  test(`a gzip file comes back as it was: ${name}`, () => {
    const { plain, record: bytes } = record(file);
    const padded = name.includes("behind") ? file.subarray(0, -3) : file;
    assert.ok(name.includes("fields") || gunzipSync(padded).equals(plain));
    assert.ok(rebuild(bytes, plain).equals(file));
    assert.ok(bytes.length < 120 + file.length / 8, `${bytes.length} of ${file.length}`);
  });

test("a file of blocks of no bytes is refused before it has taken the memory", () => {
  const blocks = 100_000;
  const empty = Buffer.from([0, 0, 0, 0xff, 0xff]); // stored, not the last one, of no bytes
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  for (const before of [Buffer.alloc(0), deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH })]) {
    const file = Buffer.concat([header, before, ...Array<Buffer>(blocks).fill(empty)]);
    assert.throws(() => record(file), { name: "DeflateError", message: "too many small blocks" });
  }
});
