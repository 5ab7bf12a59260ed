// docker save and docker load, without containers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { loadImages } from "#engine/images/load.ts";
import type { ProgressMessage } from "#engine/images/progress-messages.ts";
import { removeImage } from "#engine/images/remove.ts";
import { saveImages } from "#engine/images/save.ts";
import { digestOf } from "#formats/digest.ts";
import { startDaemon } from "./hashing-daemon.ts";
import type { ImageDaemon } from "./image-daemon.ts";
import { file, type LayerEntry, makeArchive, symlink } from "./unpacker.ts";

const never = new AbortController().signal;

async function* bytes(archive: Buffer): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < archive.length; offset += 1000) yield archive.subarray(offset, offset + 1000);
}

async function load(daemon: ImageDaemon, archive: Buffer): Promise<readonly string[]> {
  const messages: ProgressMessage[] = [];
  await loadImages(
    daemon.images.deps,
    { body: bytes(archive), platforms: [] },
    (message) => messages.push(message),
    never,
  );
  return messages.flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
}

const layer = makeArchive([file("a", "content of the layer")]);
const config = JSON.stringify({
  os: "linux",
  architecture: "amd64",
  rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
});
const id = digestOf(config);

/** As dockerd before version 25 wrote it. */
const classic = (manifest: unknown, extra: readonly LayerEntry[] = []): Buffer =>
  makeArchive([
    file("0123/VERSION", "1.0"),
    file("0123/layer.tar", layer.toString("latin1")),
    symlink("4567/layer.tar", "../0123/layer.tar"),
    file(`${id.slice(7)}.json`, config),
    ...extra,
    file("manifest.json", JSON.stringify(manifest)),
  ]);

const item = {
  Config: `${id.slice(7)}.json`,
  RepoTags: ["app:1", "team/app:latest"],
  Layers: ["0123/layer.tar"],
};

for (const [what, archive] of [
  ["a classic archive", classic([item])],
  ["a compressed one", gzipSync(classic([item]))],
  ["one whose layer is a link to another's", classic([{ ...item, Layers: ["4567/layer.tar"] }])],
] as const) {
  test(`${what} is loaded with its names`, async () => {
    await using daemon = await startDaemon();
    assert.deepEqual(await load(daemon, archive), [
      "Loaded image: app:1\n",
      "Loaded image: team/app:latest\n",
    ]);
    assert.equal((await daemon.images.deps.catalog.get("app:1")).image.id, id);
  });
}

test("an image without names is told by its id", async () => {
  await using daemon = await startDaemon();
  assert.deepEqual(await load(daemon, classic([{ ...item, RepoTags: null }])), [`Loaded image ID: ${id}\n`]);
  assert.equal((await daemon.images.deps.catalog.get(id)).image.names.length, 0);
});

test("what is saved can be loaded again", async () => {
  await using daemon = await startDaemon();
  await load(daemon, classic([item]));
  const saved = Buffer.concat(
    await Array.fromAsync(await saveImages(daemon.images.deps, ["app", "team/app"], [])),
  );
  await removeImage(daemon.images.deps, "app:1", { force: false, prune: true });
  await removeImage(daemon.images.deps, "team/app", { force: false, prune: true });
  assert.deepEqual(await daemon.images.deps.catalog.list(), []);
  await using other = await startDaemon();
  for (const target of [daemon, other]) {
    await load(target, saved);
    assert.equal((await target.images.deps.catalog.get("app:1")).image.id, id);
  }
});

for (const [what, archive, message] of [
  ["no manifest", makeArchive([file("etc/passwd")]), /does not contain a manifest.json/],
  [
    "a config outside",
    classic([{ ...item, Config: "../../../etc/passwd" }]),
    /it has no file "\.\.\/\.\.\/\.\.\/etc\/passwd"/,
  ],
  ["a layer that is missing", classic([{ ...item, Layers: ["../../x/layer.tar"] }]), /it has no file/],
  [
    "a link that leads outside",
    classic([{ ...item, Layers: ["evil"] }], [symlink("evil", "/etc/passwd")]),
    /it has no file "evil"/,
  ],
  [
    "another layer than its config says",
    classic([{ ...item, Layers: ["0123/VERSION"] }]),
    /unexpected EOF|wrong diff id/,
  ],
  [
    "more layers than its config says",
    classic([{ ...item, Layers: ["0123/layer.tar", "0123/layer.tar"] }]),
    /layers length mismatch/,
  ],
  ["a name that is no reference", classic([{ ...item, RepoTags: ["../x:1"] }]), /invalid reference format/],
  ["a manifest that is no list", classic({}), /invalid archive: manifest\.json: value: expected array/],
  [
    "a blob that is not what its name says",
    makeArchive([
      file(`blobs/sha256/${"a".repeat(64)}`, "{}"),
      file(
        "index.json",
        JSON.stringify({
          manifests: [
            {
              mediaType: "application/vnd.oci.image.manifest.v1+json",
              digest: `sha256:${"a".repeat(64)}`,
              size: 2,
            },
          ],
        }),
      ),
    ]),
    /blob sha256:a+ has digest sha256:44136fa3/,
  ],
  ["half of itself", classic([item]).subarray(0, 2000), /unexpected EOF/],
] as const) {
  test(`an archive with ${what} is refused and leaves nothing`, async () => {
    await using daemon = await startDaemon();
    await assert.rejects(load(daemon, archive), message);
    assert.deepEqual(await daemon.images.deps.catalog.list(), []);
    assert.deepEqual(await daemon.services.leases.list({ namespace: "moby" }, []), []);
    assert.deepEqual(await daemon.services.content.statuses({ namespace: "moby" }, []), []);
  });
}
