// Every kind of damage to the store is found, and mended if that is possible; a whole store has none.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { importImage } from "#engine/images/import.ts";
import { startDaemon } from "./hashing-daemon.ts";
import type { ImageDaemon } from "./image-daemon.ts";
import { file, makeArchive, never } from "./unpacker.ts";

async function makeImage({ images }: ImageDaemon): Promise<void> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield makeArchive([file("a", "content")]);
  }
  const request = { source: source(), repo: "app", tag: "1", message: "", changes: [], platform: "" };
  await importImage(images.deps, request, () => undefined, never);
}

const paths = ({ folder }: ImageDaemon) => ({
  blobs: join(folder, "root/content/blobs/sha256"),
  ingests: join(folder, "root/content/ingest"),
  snapshots: join(folder, "root/snapshots"),
});

const check = async ({ services }: ImageDaemon, repair = false): Promise<readonly string[]> =>
  (await services.check.check(repair, never)).findings.map(
    ({ kind, problem, remedy = "by hand" }) =>
      `${kind}: ${problem.replaceAll(/[0-9a-f]{64}|\/\S+/g, "…")} (${remedy})`,
  );

/** The largest blob is the layer. */
async function layerOf({ images }: ImageDaemon): Promise<string> {
  const { image } = await images.deps.catalog.get("app:1");
  return image.layers[0]?.digest ?? "";
}

test("a whole store has nothing wrong, and what it has is counted", async () => {
  await using daemon = await startDaemon();
  await makeImage(daemon);
  const { blobs, snapshots, images, findings } = await daemon.services.check.check(false, never);
  assert.deepEqual(
    { blobs, snapshots, images, findings },
    { blobs: 3, snapshots: 1, images: 1, findings: [] },
  );
});

const damages: readonly (readonly [
  what: string,
  damage: (daemon: ImageDaemon) => Promise<void>,
  found: readonly string[],
  afterRepair: readonly string[],
])[] = [
  [
    "a blob of other content",
    async (daemon) => {
      const path = join(paths(daemon).blobs, (await layerOf(daemon)).slice(7));
      writeFileSync(path, makeArchive([file("a", "CONTENT")]));
    },
    ["blob: its file has the digest sha256:… (forgotten)"],
    ["image: its content sha256:… is missing; pull or load it again (by hand)"],
  ],
  [
    "a blob that was cut off",
    async (daemon) => writeFileSync(join(paths(daemon).blobs, (await layerOf(daemon)).slice(7)), "short"),
    ["blob: its file has 5 bytes instead of 2048 (forgotten)"],
    ["image: its content sha256:… is missing; pull or load it again (by hand)"],
  ],
  [
    "a blob without its file",
    async (daemon) => rmSync(join(paths(daemon).blobs, (await layerOf(daemon)).slice(7))),
    ["blob: its file is missing (forgotten)"],
    ["image: its content sha256:… is missing; pull or load it again (by hand)"],
  ],
  [
    "a snapshot without its tree",
    async (daemon) => {
      const [tree = ""] = readdirSync(paths(daemon).snapshots);
      rmSync(join(paths(daemon).snapshots, tree), { recursive: true });
    },
    ["snapshot: its directory … is missing (forgotten)"],
    ["image: its snapshot sha256:… is missing; pull or load it again (by hand)"],
  ],
  [
    "files that nobody knows",
    async (daemon) => {
      writeFileSync(join(paths(daemon).blobs, "0".repeat(64)), "");
      writeFileSync(join(paths(daemon).ingests, "stray"), "");
      mkdirSync(join(paths(daemon).snapshots, "4711"));
    },
    Array.from({ length: 3 }, () => "file: no record knows it (deleted)"),
    [],
  ],
];

for (const [what, damage, found, afterRepair] of damages) {
  test(`${what} is found and mended`, async () => {
    await using daemon = await startDaemon();
    await makeImage(daemon);
    await damage(daemon);
    assert.deepEqual(await check(daemon), found);
    assert.deepEqual(await check(daemon), found, "a check without repair changes nothing");
    await check(daemon, true);
    assert.deepEqual(await check(daemon), afterRepair);
    await makeImage(daemon);
    assert.deepEqual(await check(daemon), [], "the image is whole when it is made again");
  });
}

test("a record that leads nowhere is found and forgotten", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-check-"));
  try {
    {
      await using _first = await startDaemon({ folder });
    }
    {
      using database = new DatabaseSync(join(folder, "root/meta.db"));
      database.exec("INSERT INTO lease_resources VALUES ('moby', 'nosuch', 'content', 'x')");
    }
    await using daemon = await startDaemon({ folder });
    assert.deepEqual(await check(daemon), ["lease: it holds resources and does not exist (forgotten)"]);
    await check(daemon, true);
    assert.deepEqual(await check(daemon), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
