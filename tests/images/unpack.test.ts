import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "#formats/digest.ts";
import {
  directory,
  file,
  hardlink,
  type LayerEntry,
  listTree,
  makeArchive,
  never,
  onto,
  over,
  skip,
  symlink,
  Unpacker,
} from "./unpacker.ts";

let unpacker: Unpacker;
let folder = "";

before(async () => {
  if (skip) return;
  unpacker = await Unpacker.start();
  folder = mkdtempSync(join(tmpdir(), "gantry-layers-"));
});
after(async () => {
  if (skip) return;
  await unpacker[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
const newDirectory = (): string => {
  const path = join(folder, String(count++));
  mkdirSync(path);
  return path;
};

async function unpackOnto(entries: readonly LayerEntry[]): Promise<string> {
  const root = newDirectory();
  await unpacker.unpack(makeArchive(entries), onto(root));
  return root;
}

/** Unpacks each layer on those before it; returns what a container would see, copied out of the overlay. */
async function unpackChain(...layers: readonly (readonly LayerEntry[])[]): Promise<string> {
  const lower: string[] = [];
  for (const entries of layers) {
    const upper = newDirectory();
    const mounts = lower.length === 0 ? onto(upper) : over(upper, newDirectory(), lower);
    await unpacker.unpack(makeArchive(entries), mounts);
    lower.unshift(upper);
  }
  const [merged, copy] = [newDirectory(), newDirectory()];
  execFileSync("unshare", [
    "-m",
    "sh",
    "-c",
    'mount -t overlay overlay -o "lowerdir=$1" "$2" && cp -a "$2/." "$3"',
    "sh",
    lower.join(":"),
    merged,
    copy,
  ]);
  return copy;
}

for (const [name, compress] of [
  ["plain", (bytes: Buffer) => bytes],
  ["gzip", (bytes: Buffer) => gzipSync(bytes)],
  ["zstd", (bytes: Buffer) => zstdCompressSync(bytes)],
  [
    "two gzip members",
    (bytes: Buffer) => Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))]),
  ],
] as const) {
  test(`unpacks ${name} and tells the digest of what is inside`, { skip }, async () => {
    const archive = makeArchive([file("a/b", "content")]);
    const root = newDirectory();
    const unpacked = await unpacker.unpack(compress(archive), onto(root));
    assert.deepEqual(unpacked, { digest: digestOf(archive), size: archive.length, fileSize: 7 });
    assert.equal(readFileSync(join(root, "a/b"), "utf8"), "content");
  });
}

test("makes the same tree as tar, from the archives of real tar", { skip }, async () => {
  for (const dialect of ["pax", "gnu", "ustar"]) {
    const archive = new URL(`../../src/formats/fixtures/${dialect}.tar`, import.meta.url).pathname;
    const [ours, theirs] = [newDirectory(), newDirectory()];
    await unpacker.unpack(readFileSync(archive), onto(ours));
    execFileSync(
      "tar",
      ["-C", theirs, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", archive],
      { stdio: "ignore" },
    );
    const show = (root: string): string =>
      execFileSync("sh", [
        "-c",
        `cd "$1" && find . -mindepth 1 -printf '%p %y %m %U %G %s %Ts %l %n\n' | sort; getfattr -d file`,
        "sh",
        root,
      ]).toString();
    assert.equal(show(ours), show(theirs), dialect);
  }
});

test("whiteouts hide what lower layers have, and nothing of their own layer", { skip }, async () => {
  const root = await unpackChain(
    [
      directory("d"),
      file("d/old"),
      file("gone"),
      file("kept"),
      directory("opaque"),
      file("opaque/low"),
      directory("late"),
      file("late/low"),
      file("late/sub/low"),
    ],
    [
      file("d/.wh.old", ""),
      file(".wh.gone", ""),
      file(".wh.never-there", ""),
      directory("opaque"),
      file("opaque/.wh..wh..opq", ""),
      file("opaque/new"),
      // after the entries that it must not touch
      file("late/sub/new"),
      file("late/.wh..wh..opq", ""),
      file("twice"),
      file(".wh.twice", ""),
    ],
  );
  assert.deepEqual(await listTree(root), [
    "d/",
    "kept",
    "late/",
    "late/sub/",
    "late/sub/new",
    "opaque/",
    "opaque/new",
    "twice",
  ]);
});

test("a whiteout and its own replacement can be in one layer", { skip }, async () => {
  const root = await unpackChain(
    [directory("x"), file("x/low"), file("y")],
    [file(".wh.x", ""), directory("x"), file("x/new"), file(".wh.y", ""), file("y", "second")],
  );
  assert.deepEqual(await listTree(root), ["x/", "x/new", "y"]);
  assert.equal(readFileSync(join(root, "y"), "utf8"), "second");
});

test("files, directories and links replace each other", { skip }, async () => {
  const root = await unpackChain(
    [directory("a"), file("a/x"), file("b"), symlink("c", "a"), directory("dir"), file("dir/stays")],
    [
      file("a", "now a file"),
      directory("b"),
      file("b/y"),
      directory("c"),
      file("c/z"),
      { ...directory("dir"), mode: 0o700 },
    ],
  );
  assert.deepEqual(await listTree(root), ["a", "b/", "b/y", "c/", "c/z", "dir/", "dir/stays"]);
  assert.equal(lstatSync(join(root, "dir")).mode & 0o777, 0o700);
});

test("a hard link to a file of a lower layer is one file with it", { skip }, async () => {
  const root = await unpackChain([file("low", "text")], [hardlink("link", "low")]);
  assert.equal(readFileSync(join(root, "link"), "utf8"), "text");
  assert.equal(lstatSync(join(root, "link")).ino, lstatSync(join(root, "low")).ino);
});

test("owner, setuid, nanoseconds, capabilities and a directory's time are as the layer says", {
  skip,
}, async () => {
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  const mtime = { sec: 1_600_000_000, nsec: 123_456_789 };
  const root = await unpackOnto([
    { ...directory("d"), mtime },
    {
      ...file("d/f"),
      uid: 1234,
      gid: 4321,
      mode: 0o6755,
      mtime,
      xattrs: [{ name: "security.capability", value: capability }],
    },
    { ...file("e"), xattrs: [{ name: "security.nosuchmodule", value: Buffer.from("x") }] },
  ]);
  const stat = lstatSync(join(root, "d/f"), { bigint: true });
  assert.deepEqual(
    [stat.uid, stat.gid, stat.mode & 0o7777n, stat.mtimeNs],
    [1234n, 4321n, 0o6755n, 1_600_000_000_123_456_789n],
  );
  assert.equal(lstatSync(join(root, "d"), { bigint: true }).mtimeNs, 1_600_000_000_123_456_789n);
  const value = execFileSync("getfattr", [
    "-n",
    "security.capability",
    "-e",
    "hex",
    "--absolute-names",
    join(root, "d/f"),
  ]).toString();
  assert.match(value, new RegExp(`security.capability=0x${capability.toString("hex")}`));
});

test("many layers go on an overlay whose options would not fit a page", { skip }, async () => {
  const lower = Array.from({ length: 120 }, (_, index) => {
    const path = join(folder, "a-rather-long-folder-name-for-a-snapshot", String(index));
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, String(index)), "");
    return path;
  });
  const [upper, work] = ["upper", "work"].map((name) => {
    const path = join(folder, "a-rather-long-folder-name-for-a-snapshot", name);
    mkdirSync(path);
    return path;
  });
  await unpacker.unpack(makeArchive([file(".wh.7", "")]), over(upper ?? "", work ?? "", lower));
  assert.ok(lstatSync(join(upper ?? "", "7")).isCharacterDevice());
});

/** Nothing of the machine outside the root may change, whatever the layer says. */
const hostile: Readonly<Record<string, (sentinel: string) => readonly LayerEntry[]>> = {
  "a name with ..": (sentinel) => [file(`../../../../../../..${sentinel}`, "x")],
  "an absolute name": (sentinel) => [file(sentinel, "x")],
  "an absolute symlink as directory": (sentinel) => [symlink("out", "/"), file(`out${sentinel}`, "x")],
  "a relative symlink as directory": (sentinel) => [
    symlink("out", "../../../../../../../.."),
    file(`out${sentinel}`, "x"),
  ],
  "a symlink in the name's place": (sentinel) => [symlink("s", sentinel), file("s", "x")],
  "a chain of symlinks": (sentinel) => [
    directory("a"),
    symlink("a/up", ".."),
    symlink("b", "a/up/../../../../.."),
    file(`b${sentinel}`, "x"),
  ],
  "chmod through a symlink": (sentinel) => [symlink("s", sentinel), { ...file("s", ""), mode: 0o7777 }],
  "a directory through a symlink": (sentinel) => [
    symlink("s", join(sentinel, "..")),
    { ...directory("s"), mode: 0o7777 },
  ],
  "a whiteout through a symlink": (sentinel) => [
    symlink("out", "/"),
    file(`out${join(sentinel, "..")}/.wh.sentinel`, ""),
  ],
  "an opaque whiteout through a symlink": (sentinel) => [
    symlink("out", "/"),
    file(`out${join(sentinel, "..")}/.wh..wh..opq`, ""),
  ],
};

for (const [what, entries] of Object.entries(hostile)) {
  test(`${what} stays inside the root`, { skip }, async () => {
    const outside = newDirectory();
    const sentinel = join(outside, "sentinel");
    writeFileSync(sentinel, "untouched", { mode: 0o640 });
    const before = lstatSync(sentinel, { bigint: true });
    const mode = lstatSync(outside).mode;
    const root = newDirectory();
    await unpacker.unpack(makeArchive(entries(sentinel)), onto(root));
    const stat = lstatSync(sentinel, { bigint: true });
    assert.deepEqual([stat.ino, stat.mode, stat.mtimeNs], [before.ino, before.mode, before.mtimeNs]);
    assert.equal(readFileSync(sentinel, "utf8"), "untouched");
    assert.equal(lstatSync(outside).mode, mode);
  });
}

for (const [what, entries, message] of [
  [
    "a hard link out of the root",
    (sentinel: string) => [hardlink("link", `../../../../../..${sentinel}`)],
    /layer: link: openat2\(2\): ENOENT/,
  ],
  [
    "a hard link through a symlink",
    (sentinel: string) => [symlink("out", "/"), hardlink("link", `out${sentinel}`)],
    /layer: link: openat2\(2\): ENOENT/,
  ],
  ["a whiteout of ..", () => [file("d/.wh...", "")], /invalid whiteout name/],
  ["a forged overlay whiteout", () => [{ name: "n", type: "character" as const }], /character device 0:0/],
  ["a root that is a symlink", () => [symlink("./", "/etc")], /the root is not a directory/],
] as const) {
  test(`${what} is refused`, { skip }, async () => {
    const sentinel = join(newDirectory(), "sentinel");
    writeFileSync(sentinel, "");
    const root = newDirectory();
    await assert.rejects(unpacker.unpack(makeArchive(entries(sentinel)), onto(root)), message);
    assert.equal(lstatSync(sentinel).nlink, 1);
  });
}

test("overlay's own attributes are not taken from a layer", { skip }, async () => {
  const xattrs = ["trusted.overlay.opaque", "user.overlay.redirect"].map((name) => ({
    name,
    value: Buffer.from("y"),
  }));
  const root = await unpackOnto([{ ...directory("d"), xattrs }]);
  assert.equal(execFileSync("getfattr", ["-d", "-m", "-", join(root, "d")]).toString(), "");
});

for (const [what, archive, message] of [
  [
    "cut in the middle of gzip",
    gzipSync(makeArchive([file("a", "x".repeat(99))])).subarray(0, 60),
    /unexpected end of file/,
  ],
  ["cut in the middle of tar", makeArchive([file("a", "x".repeat(999))]).subarray(0, 700), /unexpected EOF/],
  ["of another kind", Buffer.alloc(2048, 7), /invalid tar header/],
  ["cut in the middle of bzip2", Buffer.from("BZh91AY&SY"), /unexpected EOF/],
] as const) {
  test(`an archive ${what} is refused clearly`, { skip }, async () => {
    await assert.rejects(unpacker.unpack(archive, onto(newDirectory())), message);
  });
}

test("a bomb is stopped at the limit", { skip }, async () => {
  const bomb = gzipSync(Buffer.concat([makeArchive([file("a")]), Buffer.alloc(8 << 20)]));
  const blob = join(folder, "bomb");
  writeFileSync(blob, bomb);
  const job = {
    blob,
    mounts: onto(newDirectory()),
    target: join(folder, "mnt"),
    maxSize: 4 << 20,
    maxRatio: 0,
  };
  await assert.rejects(
    unpacker.pool.run(job, () => undefined, never),
    /layer is larger than 4194304 bytes/,
  );
});

test("an aborted unpacking ends, and the pool goes on", { skip }, async () => {
  const blob = join(folder, "big");
  writeFileSync(blob, makeArchive([file("a", "x".repeat(64 << 20))]));
  const abort = new AbortController();
  const job = {
    blob,
    mounts: onto(newDirectory()),
    target: join(folder, "mnt"),
    maxSize: 1 << 30,
    maxRatio: 0,
  };
  const running = unpacker.pool.run(job, () => abort.abort(new Error("gone")), abort.signal);
  await assert.rejects(running, /gone/);
  assert.ok((await unpackOnto([file("next")])) !== "");
});
