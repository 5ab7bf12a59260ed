// Archives of odd forms by the real client, beside dockerd: sparse files as GNU tar writes them, and headers that are none.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { glob, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding } from "#formats/tar-writer.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { startPeer } from "../system/peer.ts";
import { must } from "../system/process.ts";
import { skip } from "./unpacker.ts";

const GNU = ["--sparse", "--format=gnu"];
const dialects = {
  gnu: GNU,
  "pax-0.0": ["--sparse", "--format=pax", "--sparse-version=0.0"],
  "pax-0.1": ["--sparse", "--format=pax", "--sparse-version=0.1"],
  "pax-1.0": ["--sparse", "--format=pax", "--sparse-version=1.0"],
};
/** Of each file; its data is a hundredth of it. */
const SIZE = 8 << 20;

let engine: Engine;
let peer: Client;
let folder = "";
const undo = new AsyncDisposableStack();

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-odd-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  engine = undo.use(await startEngine());
  peer = undo.use(await startPeer({ netns: engine.netns }));
  await mkdir(join(folder, "root"));
  for (const [name, offsets] of Object.entries({
    middle: [SIZE / 2],
    ends: [0, SIZE - 4096],
    many: Array.from({ length: 40 }, (_, index) => index * 131_072),
    none: [],
  })) {
    await using file = await open(join(folder, "root", `sparse-${name}`), "w");
    for (const offset of offsets) await file.write(Buffer.alloc(4096, String(offset)), 0, 4096, offset);
    await file.truncate(SIZE);
  }
  for (const [dialect, flags] of Object.entries(dialects))
    await must(["tar", ...flags, "-C", join(folder, "root"), "-cf", join(folder, `${dialect}.tar`), "."]);
  for (const daemon of [engine, peer]) await daemon.docker("import", join(folder, "pax-1.0.tar"), "sparse:1");
});
after(() => undo.disposeAsync());

const names = ["middle", "ends", "many", "none"].map((name) => `sparse-${name}`);

async function digestsIn(root: string): Promise<readonly string[]> {
  const files = await Promise.all(names.map((name) => readFile(join(root, name))));
  return files.map((bytes) => createHash("sha256").update(bytes).digest("hex"));
}

/** What a container of the image has, copied out. */
async function copyOut(daemon: Client, container: string, to: string): Promise<readonly string[]> {
  await mkdir(to);
  for (const name of names) await daemon.docker("cp", `${container}:/${name}`, to);
  return await digestsIn(to);
}

/** Bytes on the disk of all such files below the daemon's root. */
async function stored(): Promise<number> {
  let bytes = 0;
  for await (const path of glob(`${engine.dir}/root/**/sparse-*`)) bytes += (await stat(path)).blocks * 512;
  return bytes;
}

for (const dialect of Object.keys(dialects)) {
  test(`sparse files of ${dialect} have their content, and their holes`, { skip }, async () => {
    const wanted = await digestsIn(join(folder, "root"));
    const before = await stored();
    const archive = join(folder, `${dialect}.tar`);
    const name = `sparse:${dialect}`;
    await engine.docker("import", archive, name);
    await engine.docker("create", "--name", "box", name, "none");
    assert.deepEqual(await copyOut(engine, "box", join(folder, `import-${dialect}`)), wanted);
    await engine.docker("rm", "box");
    await engine.docker("create", "--name", "box", "sparse:1", "none");
    const copied = await engine.tryDocker(["cp", "-", "box:/"], { input: await readFile(archive) });
    assert.equal(copied.code, 0, copied.stderr);
    assert.deepEqual(await copyOut(engine, "box", join(folder, `cp-${dialect}`)), wanted);
    const grown = (await stored()) - before;
    assert.ok(grown < SIZE, `${grown} bytes for two copies of ${names.length} files of ${SIZE}`);
    await engine.docker("rm", "box");
  });

  test(`dockerd takes ${dialect}, or refuses it by its type`, { skip }, async () => {
    const { code, stderr } = await peer.tryDocker(["import", join(folder, `${dialect}.tar`)]);
    if (dialect === "gnu") assert.match(stderr, /unhandled tar header type 83/);
    else assert.equal(code, 0, stderr);
  });
}

test("an image archive whose layers are sparse files of it is loaded", { skip }, async () => {
  await mkdir(join(folder, "saved"));
  await must(["tar", "-C", join(folder, "root"), "-cf", join(folder, "whole.tar"), "."]);
  await peer.docker("import", join(folder, "whole.tar"), "whole:1");
  await peer.docker("save", "-o", join(folder, "saved.tar"), "whole:1");
  await must(["tar", "-C", join(folder, "saved"), "-xf", join(folder, "saved.tar")]);
  for await (const layer of glob(join(folder, "saved/**/layer.tar"))) await must(["fallocate", "-d", layer]);
  await must(["tar", "--sparse", "-C", join(folder, "saved"), "-cf", join(folder, "again.tar"), "."]);
  assert.ok((await stat(join(folder, "again.tar"))).size < SIZE);
  assert.equal(await engine.docker("load", "-i", join(folder, "again.tar")), "Loaded image: whole:1");
  assert.equal(
    await engine.docker("inspect", "-f", "{{.Id}}", "whole:1"),
    await peer.docker("inspect", "-f", "{{.Id}}", "whole:1"),
  );
});

/** A header with other bytes in it, and the checksum that it then has. */
function header(change: (block: Buffer) => void, size = 0): Buffer {
  const block = encodeTarEntry(tarEntry({ name: "file", type: "file", size }));
  change(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** An extended header, and a file after it. */
function extended(type: string, body: Buffer): Buffer {
  const before = header((block) => block.write(type, 156), body.length);
  return Buffer.concat([before, body, tarPadding(body.length), header(() => undefined), tarEnd()]);
}

const odd: Readonly<Record<string, Buffer>> = {
  "is noise": Buffer.alloc(2048, "noise"),
  "is shorter than a header": Buffer.alloc(100, 1),
  "has another checksum": header(() => undefined).fill("x", 0, 4),
  "has letters for a mode": header((block) => block.write("abc", 100)),
  "has a space in a number": header((block) => block.write("12 34567", 100)),
  "has a negative size": header((block) => block.fill(0xff, 124, 136)),
  "has a size beyond all": header((block) => block.fill(0x7f, 124, 136).fill(0xbf, 124, 125)),
  "has a type that nobody knows": header((block) => block.write("Z", 156)),
  "ends in its content": Buffer.concat([header(() => undefined, 1000), Buffer.alloc(500)]),
  "ends in its padding": Buffer.concat([header(() => undefined, 10), Buffer.alloc(10)]),
  "ends without an end": header(() => undefined),
  "ends within a header": Buffer.concat([header(() => undefined), Buffer.alloc(100)]),
  "has one zero block": Buffer.concat([header(() => undefined), Buffer.alloc(512)]),
  "goes on after a zero block": Buffer.concat([Buffer.alloc(512), header(() => undefined)]),
  "has pax records without lengths": extended("x", Buffer.from("path=x\n")),
  "has pax records of another length": extended("x", Buffer.from("99 path=x\n")),
  "has a pax record without a name": extended("x", Buffer.from("5 =x\n")),
  "has a time that is none": extended("x", Buffer.from("11 mtime=x\n")),
  "has a pax name with a NUL": extended("x", Buffer.from("12 path=a\0b\n")),
  "has a pax header without end": extended("x", Buffer.alloc((1 << 20) + 1, "1")),
  "has a sparse map out of order": extended(
    "x",
    Buffer.from(
      "22 GNU.sparse.major=0\n22 GNU.sparse.minor=1\n21 GNU.sparse.size=9\n26 GNU.sparse.numblocks=1\n22 GNU.sparse.map=4,8\n",
    ),
  ),
};

test("headers that are none are told in dockerd's words, and what it lets pass does", { skip }, async () => {
  const path = join(folder, "odd.tar");
  const plain = (text: string): string =>
    text.replace(/Error processing tar file\([^)]*\): /, "").replace(/sha256:[0-9a-f]{64}/, "ID");
  await peer.docker("create", "--name", "box", "sparse:1", "none");
  await engine.docker("create", "--name", "box", "sparse:1", "none");
  for (const [what, bytes] of Object.entries(odd)) {
    await writeFile(path, bytes);
    for (const line of [
      ["import", path],
      ["cp", "-", "box:/"],
    ]) {
      const [ours, theirs] = await Promise.all(
        [engine, peer].map((daemon) => daemon.tryDocker(line, { input: bytes })),
      );
      assert.equal(
        plain(`${ours?.stdout}${ours?.stderr}`),
        plain(`${theirs?.stdout}${theirs?.stderr}`),
        what,
      );
      assert.equal(ours?.code, theirs?.code, what);
    }
  }
});
