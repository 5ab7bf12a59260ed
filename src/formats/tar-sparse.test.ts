import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { gunzipSync } from "node:zlib";
import { TarReader } from "./tar-reader.ts";
import { OldMap } from "./tar-sparse.ts";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding } from "./tar-writer.ts";

const MIB = 1 << 20;
const HOLE = 60 << 10;

/** Data by its offset: what the fixtures' files have. */
const sparseFiles = {
  empty: { size: MIB, data: {} },
  lead: { size: MIB + 5000, data: { [MIB]: "b".repeat(5000) } },
  many: {
    size: 60 * 65536,
    data: Object.fromEntries(Array.from({ length: 60 }, (_, index) => [index * 65536, "m".repeat(4096)])),
  },
  tail: { size: MIB, data: { 0: "a".repeat(4096) } },
};

interface Found {
  readonly size: number;
  readonly data: Record<number, string>;
  at: number;
  holes: number;
}

function read(archive: Buffer, chunkSize = archive.length): ReadonlyMap<string, Found> {
  const reader = new TarReader();
  const files = new Map<string, Found>();
  let file: Found = { size: 0, data: {}, at: 0, holes: 0 };
  for (let offset = 0; offset < archive.length; offset += chunkSize)
    for (const event of reader.push(archive.subarray(offset, offset + chunkSize)))
      if (event.kind === "entry") {
        file = { size: event.entry.size, data: {}, at: 0, holes: 0 };
        files.set(event.entry.name, file);
      } else if (event.kind === "hole") {
        file.at += event.length;
        file.holes++;
      } else {
        const start = file.at - (file.at % 65536);
        file.data[start] = `${file.data[start] ?? ""}${event.data}`;
        file.at += event.data.length;
      }
  reader.finish();
  return files;
}

for (const dialect of ["gnu", "pax-0.0", "pax-0.1", "pax-1.0"]) {
  const archive = gunzipSync(readFileSync(new URL(`fixtures/sparse-${dialect}.tar.gz`, import.meta.url)));
  for (const chunkSize of [archive.length, 1000, 512, 7])
    test(`data and holes of ${dialect} are where they were, in chunks of ${chunkSize}`, () => {
      const files = read(archive, chunkSize);
      assert.deepEqual([...files.keys()], Object.keys(sparseFiles));
      for (const [name, { size, data }] of Object.entries(sparseFiles)) {
        const found = files.get(name);
        assert.ok(
          isDeepStrictEqual(
            { size: found?.size, at: found?.at, data: found?.data },
            { size, at: size, data },
          ),
          name,
        );
        assert.ok((found?.holes ?? 0) > 0 && (name !== "many" || found?.holes === size / (HOLE + 4096)));
      }
    });

  test(`${dialect} that ends within a map or before data is refused`, () => {
    const header = archive.lastIndexOf("many");
    for (const cut of [header + 300, header + 700, header + 5000])
      assert.throws(() => read(archive.subarray(0, cut)), { message: "unexpected EOF" });
  });
}

/** A file of pax records that has "data" as its content. */
function sparse(records: Readonly<Record<string, string>>, content = "data"): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` GNU.sparse.${key}=${value}\n`;
    return `${[...rest].length + 2}${rest}`;
  });
  const body = Buffer.from(lines.join(""));
  const head = encodeTarEntry(tarEntry({ name: "x", type: "file", size: body.length }));
  head.write("x", 156);
  head.fill(0x20, 148, 156);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const file = encodeTarEntry(tarEntry({ name: "file", type: "file", size: content.length }));
  const bytes = Buffer.from(content);
  return Buffer.concat([
    head,
    body,
    tarPadding(body.length),
    file,
    bytes,
    tarPadding(bytes.length),
    tarEnd(),
  ]);
}

const older = (map: string, size: string, count = String(map.split(",").length / 2)) => ({
  major: "0",
  minor: "1",
  size,
  numblocks: count,
  map,
});

test("the smallest map is read", () => {
  assert.deepEqual(read(sparse(older("10,4", "20"))).get("file"), {
    size: 20,
    data: { 0: "data" },
    at: 20,
    holes: 2,
  });
});

const INVALID = "archive/tar: invalid tar header";
for (const [what, archive, message] of [
  ["goes backwards", sparse(older("10,2,0,2", "20")), INVALID],
  ["overlaps itself", sparse(older("0,3,2,1", "20")), INVALID],
  ["leads out of the file", sparse(older("18,4", "20")), INVALID],
  ["has another length", sparse(older("0,4", "20", "2")), INVALID],
  ["is no list of numbers", sparse(older("0,x", "20")), INVALID],
  ["has negative numbers", sparse(older("-4,4", "20")), INVALID],
  ["promises more data", sparse(older("0,5", "20")), "archive/tar: sparse file references non-existent data"],
  [
    "has less than the data",
    sparse(older("0,3", "20")),
    "archive/tar: sparse file contains unreferenced data",
  ],
  ["has no size", sparse(older("0,4", "-1")), INVALID],
  [
    "is longer than the content",
    sparse({ major: "1", minor: "0", realsize: "99" }, `${"1\n".repeat(256)}`.slice(0, 300)),
    "unexpected EOF",
  ],
  ["has no end", sparse({ major: "1", minor: "0", realsize: "99" }, "99999999999\n".repeat(100)), INVALID],
  ["has a line without end", sparse({ major: "1", minor: "0", realsize: "99" }, "1".repeat(4096)), INVALID],
] as const)
  test(`a map that ${what} is refused`, () => {
    assert.throws(() => read(archive), { message });
  });

test("a map in the header of another dialect is refused", () => {
  assert.throws(() => new OldMap(encodeTarEntry(tarEntry({ name: "a", type: "file" }))), {
    message: INVALID,
  });
});
