// Small archives that become many gigabytes, by the real client through the daemon: each is a clear error, in bounded memory and on a disk
// that does not get full, and nothing of it stays.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "#formats/digest.ts";
import { encodeTarEntry, tarEnd, tarEntry } from "#formats/tar-writer.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import { openApi } from "../system/api.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { must } from "../system/process.ts";
import { startRegistry } from "../system/registry.ts";
import { until } from "../system/until.ts";
import { file, makeArchive, skip } from "./unpacker.ts";

const GIB = 1 << 30;
const PART = 64 << 20;
const MEMORY_KIB = 512 << 10;
const RATIO = 100;
const BOMB = /decompression bomb: \d+ bytes have become \d+, more than 100 times as much/;

const compressors = { gzip: gzipSync, zstd: zstdCompressSync };
type Format = keyof typeof compressors;

let engine: Engine;
let folder = "";
const undo = new AsyncDisposableStack();

/** A file of ten gigabytes, or nothing and as much behind the archive's end. */
function makeBomb(format: Format, where: "file" | "behind"): Buffer {
  const compress = compressors[format];
  const size = 10 * GIB;
  const start = where === "file" ? encodeTarEntry(tarEntry({ name: "zeros", type: "file", size })) : tarEnd();
  const part = compress(Buffer.alloc(PART));
  return Buffer.concat([compress(start), ...Array(size / PART).fill(part)]);
}

interface Blob extends Descriptor {
  readonly bytes: Buffer;
}

const makeBlob = (mediaType: string, content: Buffer | object): Blob => {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes };
};

const config = makeBlob(mediaTypes.ociConfig, {
  os: "linux",
  architecture: "amd64",
  rootfs: { type: "layers", diff_ids: [digestOf("unknown")] },
});

/** Puts an image of this layer into the registry. */
async function publish(name: string, bomb: Buffer): Promise<void> {
  const layer = makeBlob(`${mediaTypes.ociLayer}+zstd`, bomb);
  const layout = await mkdtemp(join(folder, "layout-"));
  await mkdir(join(layout, "blobs/sha256"), { recursive: true });
  const describe = ({ bytes: _, ...descriptor }: Blob): Descriptor => descriptor;
  const mediaType = mediaTypes.ociManifest;
  const document = { schemaVersion: 2, mediaType, config: describe(config), layers: [describe(layer)] };
  const manifest = makeBlob(mediaType, document);
  for (const { digest, bytes } of [config, layer, manifest])
    await writeFile(join(layout, "blobs/sha256", digest.slice(7)), bytes);
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  const manifests = [{ ...describe(manifest), annotations }];
  await writeFile(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const copy = ["skopeo", "copy", "--dest-tls-verify=false", `oci:${layout}:latest`, `docker://${name}`];
  await must(copy, { netns: engine.netns });
}

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-bombs-"));
  undo.defer(() => rm(folder, { recursive: true }));
  engine = undo.use(await startEngine({ config: { "max-decompression-ratio": RATIO } }));
  undo.use(await startRegistry(engine.netns));
});
after(() => undo.disposeAsync());

async function assertNothingLeft({ socket }: Client): Promise<void> {
  using api = openApi(socket);
  const look = async (): Promise<unknown> => Object(await api.ask("POST", "/gantry/check"));
  const empty = { Blobs: 0, Bytes: 0, Snapshots: 0, Images: 0, Leases: 0, Ingests: 0 };
  await until(async () => Object.values(Object(await look()).Checked).every((count) => count === 0));
  assert.deepEqual(await look(), { Checked: empty, Findings: [] });
}

/** The most that the daemon has ever had. */
async function assertMemoryBounded({ daemon }: Engine): Promise<void> {
  const status = await readFile(`/proc/${daemon.pid}/status`, "utf8");
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  assert.ok(peak < MEMORY_KIB, `${peak} KiB`);
}

async function assertRefused(args: readonly string[], input: Uint8Array = Buffer.alloc(0)): Promise<void> {
  const { code, stderr } = await engine.tryDocker(args, { input });
  assert.equal(code, 1);
  assert.match(stderr, BOMB);
  await assertNothingLeft(engine);
  await assertMemoryBounded(engine);
}

/** As `docker save` writes it. */
function makeImage(layer: Buffer): Buffer {
  const manifest = [{ Config: "config.json", RepoTags: ["bomb:1"], Layers: ["layer"] }];
  const documents = [file("config.json", config.bytes), file("manifest.json", JSON.stringify(manifest))];
  return makeArchive([...documents, file("layer", layer)]);
}

test("a layer of ten gigabytes in 300 kilobytes is refused when it is pulled", { skip }, async () => {
  await publish("127.0.0.1:5000/bomb:1", makeBomb("zstd", "file"));
  await assertRefused(["pull", "127.0.0.1:5000/bomb:1"]);
});

test("a layer of ten gigabytes in ten megabytes is refused when it is loaded", { skip }, () =>
  assertRefused(["load"], makeImage(makeBomb("gzip", "behind"))),
);

test("an archive that is ten gigabytes of one file is refused", { skip }, () =>
  assertRefused(["load"], makeBomb("zstd", "file")),
);

test("without a ratio a bomb ends when the disk is nearly full, and all of it is free again", {
  skip,
}, async () => {
  const disk = await mkdtemp(join(folder, "disk-"));
  await must(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", disk]);
  await using unmount = new AsyncDisposableStack();
  unmount.defer(async () => void (await must(["umount", disk])));
  const settings = { "data-root": join(disk, "root"), "max-decompression-ratio": 0 };
  await using small = await startEngine({ config: settings });
  const { code, stderr } = await small.tryDocker(["load"], { input: makeImage(makeBomb("gzip", "file")) });
  assert.equal(code, 1);
  assert.match(stderr, /no space left on device: what is left is kept for the daemon/);
  await assertNothingLeft(small);
  const freeShare = async (): Promise<number> => {
    const { bavail, blocks } = await statfs(disk);
    return bavail / blocks;
  };
  await until(async () => (await freeShare()) > 0.9); // files go after their records
  assert.ok((await freeShare()) > 0.9, `${await freeShare()} of it is free`);
});
