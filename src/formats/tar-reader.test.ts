import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding, writeTar } from "./tar-writer.ts";

const fixture = (name: string): Buffer => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

interface Member {
  readonly entry: TarEntry;
  readonly content: string;
}

function readAll(archive: Buffer, chunkSize = archive.length): readonly Member[] {
  const reader = new TarReader();
  const members: { entry: TarEntry; content: string }[] = [];
  for (let offset = 0; offset < archive.length; offset += chunkSize)
    for (const event of reader.push(archive.subarray(offset, offset + chunkSize)))
      if (event.kind === "entry") members.push({ entry: event.entry, content: "" });
      else {
        const last = members.at(-1);
        if (last !== undefined && event.kind === "data") last.content += event.data.toString("latin1");
      }
  reader.finish();
  return members;
}

const long = "l".repeat(180);
const at = { sec: 1700000000, nsec: 0 };

for (const dialect of ["pax", "gnu"]) {
  test(`reads every entry type, long names and large numbers from ${dialect}`, () => {
    const seen = new Map(readAll(fixture(`${dialect}.tar`)).map((member) => [member.entry.name, member]));
    assert.deepEqual(
      [...seen.keys()],
      ["file", "hard", "soft", "fifo", "null", "blk", "dir/", `dir/${long}`, "dir/longlink", "dir/ünï"],
    );
    assert.equal(seen.get("file")?.content, "hello\n");
    assert.equal(seen.get("file")?.entry.mode, 0o4755);
    const { xattrs: _, ...hard } = seen.get("hard")?.entry ?? tarEntry({ name: "", type: "file" });
    assert.equal(hard.type, "hardlink");
    assert.equal(hard.linkName, "file");
    assert.equal(seen.get("soft")?.entry.linkName, "file");
    assert.equal(seen.get("fifo")?.entry.type, "fifo");
    assert.deepEqual(
      seen.get("null")?.entry,
      tarEntry({ name: "null", type: "character", major: 1, minor: 3, uid: 3000000, gid: 54321, mtime: at }),
    );
    assert.equal(seen.get("blk")?.entry.minor, 300);
    assert.equal(seen.get(`dir/${long}`)?.content, "long\n");
    assert.equal(seen.get("dir/longlink")?.entry.linkName, long);
    assert.equal(seen.get("dir/longlink")?.entry.uid, 123456789);
  });
}

test("reads plain ustar", () => {
  const names = readAll(fixture("ustar.tar")).map(({ entry }) => `${entry.type} ${entry.name}`);
  assert.deepEqual(names, [
    "file file",
    "hardlink hard",
    "fifo fifo",
    "character null",
    "block blk",
    "directory dir/",
    "file dir/ünï",
  ]);
});

test("reads nanoseconds, times before 1970 and binary xattrs from pax", () => {
  const members = readAll(fixture("pax.tar"));
  assert.deepEqual(members[0]?.entry.mtime, { sec: 1700000000, nsec: 123456789 });
  const before = members.find(({ entry }) => entry.name === "soft")?.entry.mtime;
  assert.ok(before !== undefined && before.sec < 0 && before.nsec === 500000000);
  const xattrs = members[0]?.entry.xattrs.map(({ name, value }) => [
    name,
    Buffer.from(value).toString("hex"),
  ]);
  assert.deepEqual(xattrs?.sort(), [
    ["user.bin", "00ff3d0a"],
    ["user.test", Buffer.from("a\nb=c").toString("hex")],
  ]);
});

test("passes over a global header", () => {
  assert.deepEqual(
    readAll(fixture("global.tar")).map(({ entry }) => entry.name),
    ["a"],
  );
});

test("the way the bytes are cut into chunks does not matter", () => {
  for (const name of ["pax.tar", "gnu.tar"]) {
    const whole = readAll(fixture(name));
    for (const size of [1, 7, 511, 513, 1000]) assert.deepEqual(readAll(fixture(name), size), whole);
  }
});

test("a damaged header is refused", () => {
  const archive = Buffer.from(fixture("ustar.tar"));
  archive[3] = 0x41;
  assert.throws(() => readAll(archive), { message: "archive/tar: invalid tar header" });
});

for (const cut of [100, 600, 1300]) {
  test(`an archive cut at byte ${cut} is an unexpected end`, () => {
    assert.throws(() => readAll(fixture("pax.tar").subarray(0, cut)), { message: "unexpected EOF" });
  });
}

test("an archive without its end marker, or what fills its last block, is complete, as for Go", () => {
  const entry = encodeTarEntry(tarEntry({ name: "a", type: "file", size: 1 }));
  assert.equal(readAll(Buffer.concat([entry, Buffer.from("a")])).length, 1);
  assert.equal(readAll(encodeTarEntry(tarEntry({ name: "a", type: "directory" }))).length, 1);
});

test("an extended header over a mebibyte is refused before it is read", () => {
  const header = encodeTarEntry(tarEntry({ name: "x", type: "file", size: (1 << 20) + 1 }));
  header.write("x", 156);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  assert.throws(() => readAll(header), { message: "archive/tar: header field too long" });
});

test("a name or a link's target that no system call would take is refused", () => {
  const deep = "a/".repeat(2047);
  assert.equal(readAll(encodeTarEntry(tarEntry({ name: deep, type: "directory" })))[0]?.entry.name, deep);
  const long = "a/".repeat(2048);
  const message = "file name too long: 4096 bytes";
  for (const entry of [
    tarEntry({ name: long, type: "directory" }),
    tarEntry({ name: "a", type: "symlink", linkName: long }),
    tarEntry({ name: "a", type: "hardlink", linkName: long }),
  ])
    assert.throws(() => readAll(encodeTarEntry(entry)), { message });
});

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 200 })
  .filter((text) => !text.includes("\0") && !text.endsWith("/") && text.isWellFormed());
const entry = fc.record(
  {
    name,
    type: fc.constant("file" as const),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.nat(2 ** 32 - 2),
    gid: fc.nat(2 ** 32 - 2),
    mtime: fc.record(
      { sec: fc.integer({ min: -1000, max: 2 ** 36 }), nsec: fc.nat(999999999) },
      { noNullPrototype: true },
    ),
    xattrs: fc.uniqueArray(
      fc.record({ name: fc.stringMatching(/^user\.[a-z]{1,9}$/), value: bytes }, { noNullPrototype: true }),
      {
        selector: (attribute) => attribute.name,
      },
    ),
    content: bytes,
  },
  { noNullPrototype: true },
);

test("what the writer writes, the reader reads", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 4 }), async (members) => {
      const withContent = members.map(({ content, ...rest }) => ({
        entry: tarEntry({
          ...rest,
          size: content.length,
          // pax cannot say an empty attribute: an empty value takes the record back
          xattrs: rest.xattrs.filter(({ value }) => value.length > 0),
        }),
        content: [content],
      }));
      const chunks: Uint8Array[] = [];
      for await (const chunk of writeTar(withContent)) chunks.push(chunk);
      assert.deepEqual(
        readAll(Buffer.concat(chunks)),
        withContent.map((member) => ({
          entry: member.entry,
          content: Buffer.concat(member.content).toString("latin1"),
        })),
      );
    }),
    { numRuns: 200 },
  );
});

test("random bytes never do worse than a TarError", () => {
  const good = fixture("pax.tar");
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (position, value, length) => {
      const archive = Buffer.from(good.subarray(0, length));
      if (position < archive.length) archive[position] = value;
      try {
        readAll(archive);
      } catch (error) {
        assert.ok(error instanceof Error && error.name === "TarError", String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("padding completes a block", () => {
  assert.equal(tarPadding(1).length, 511);
  assert.equal(tarPadding(512).length, 0);
  assert.equal(tarEnd().length, 1024);
});
