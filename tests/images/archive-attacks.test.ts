// Image archives that lie, or that are larger, deeper or more than anything real: each is refused with a clear error and leaves nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadImages } from "#engine/images/load.ts";
import { digestOf } from "#formats/digest.ts";
import { mediaTypes } from "#spec/oci-image.ts";
import { startDaemon } from "./hashing-daemon.ts";
import { directory, file, hardlink, type LayerEntry, makeArchive, never, symlink } from "./unpacker.ts";

interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

class Layout {
  readonly #entries: LayerEntry[] = [];

  add(mediaType: string, content: Buffer | object | string): Described {
    const bytes = Buffer.isBuffer(content)
      ? content
      : Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
    const digest = digestOf(bytes);
    this.#entries.push(file(`blobs/sha256/${digest.slice(7)}`, bytes.toString("latin1")));
    return { mediaType, digest, size: bytes.length };
  }

  manifest(config: Described, layers: readonly Described[]): Described {
    const mediaType = mediaTypes.ociManifest;
    return this.add(mediaType, { schemaVersion: 2, mediaType, config, layers });
  }

  index(manifests: readonly Described[]): Described {
    const mediaType = mediaTypes.ociIndex;
    return this.add(mediaType, { schemaVersion: 2, mediaType, manifests });
  }

  archive(top: Described, more: readonly LayerEntry[] = []): Buffer {
    const index = JSON.stringify({ schemaVersion: 2, manifests: [top] });
    return makeArchive([...this.#entries, ...more, file("index.json", index)]);
  }
}

const layer = makeArchive([file("a", "content")]);
const config = (diffIds: readonly string[]): object => ({
  os: "linux",
  architecture: "amd64",
  rootfs: { type: "layers", diff_ids: diffIds },
});

function makeImage(layout: Layout): Described {
  const described = layout.add(mediaTypes.ociLayer, layer);
  return layout.manifest(layout.add(mediaTypes.ociConfig, config([described.digest])), [described]);
}

const built = (make: (layout: Layout) => Described): Buffer => {
  const layout = new Layout();
  return layout.archive(make(layout));
};

const attacks: readonly (readonly [what: string, archive: () => Buffer, error: RegExp])[] = [
  [
    "a size that lies",
    () => built((layout) => ({ ...makeImage(layout), size: 5 })),
    /blob sha256:\w+ has \d+ bytes, not 5/,
  ],
  [
    "a layer of another size than its manifest says",
    () =>
      built((layout) => {
        const described = layout.add(mediaTypes.ociLayer, layer);
        const own = layout.add(mediaTypes.ociConfig, config([described.digest]));
        return layout.manifest(own, [{ ...described, size: 2 ** 40 }]);
      }),
    /has 2048 bytes, not 1099511627776/,
  ],
  [
    "a configuration that is not JSON",
    () => built((layout) => layout.manifest(layout.add(mediaTypes.ociConfig, "{"), [])),
    /invalid image config: not a JSON document/,
  ],
  [
    "a configuration of the wrong shape",
    () => built((layout) => layout.manifest(layout.add(mediaTypes.ociConfig, { rootfs: 1 }), [])),
    /invalid image config: rootfs: expected object, got number/,
  ],
  [
    "10,000 layers",
    () =>
      built((layout) => {
        const described = layout.add(mediaTypes.ociLayer, layer);
        const layers = Array.from({ length: 10_000 }, () => described);
        return layout.manifest(
          layout.add(mediaTypes.ociConfig, config(layers.map(({ digest }) => digest))),
          layers,
        );
      }),
    /max depth exceeded/,
  ],
  [
    "a manifest of 5 MB",
    () => built((layout) => layout.add(mediaTypes.ociManifest, `{"a":"${"x".repeat(5 << 20)}"}`)),
    /is larger than 4194304 bytes/,
  ],
  [
    "a configuration of 9 MB",
    () =>
      built((layout) => layout.manifest(layout.add(mediaTypes.ociConfig, `"${"x".repeat(9 << 20)}"`), [])),
    /image config is too large/,
  ],
  [
    "a configuration of 9 MB in Docker's older form",
    () =>
      makeArchive([
        file("config", " ".repeat(9 << 20)),
        file("manifest.json", JSON.stringify([{ Config: "config", Layers: [] }])),
      ]),
    /is larger than 8388608 bytes/,
  ],
  [
    "an index.json of 5 MB",
    () => makeArchive([file("index.json", " ".repeat(5 << 20))]),
    /index.json is larger than 4194304 bytes/,
  ],
  [
    "indexes in indexes in indexes",
    () =>
      built((layout) => {
        let top = makeImage(layout);
        for (let depth = 0; depth < 6; depth++) top = layout.index([top]);
        return top;
      }),
    /indexes are nested too deep/,
  ],
  [
    "a document that is index and manifest at once",
    () =>
      built((layout) => {
        const own = layout.add(mediaTypes.ociConfig, config([]));
        const both = { schemaVersion: 2, config: own, layers: [], manifests: [] };
        return layout.add(mediaTypes.ociManifest, both);
      }),
    /expected either a manifest or an index/,
  ],
  [
    "an index of nothing that is there",
    () => built((layout) => layout.index([{ ...makeImage(new Layout()) }])),
    /no image of the index sha256:\w+ is in it/,
  ],
  [
    "a digest of no known kind",
    () => built((layout) => ({ ...makeImage(layout), digest: "../../../../etc/passwd" })),
    /it has no file "blobs|invalid digest/,
  ],
  [
    "more files than any image",
    () => makeArchive(Array.from({ length: 20_001 }, (_, at) => directory(`f${at}`))),
    /more than 20000 files/,
  ],
  [
    "an index.json that is a link to the machine's files",
    () => makeArchive([symlink("index.json", "/etc/passwd")]),
    /does not contain a manifest.json/,
  ],
  [
    "links that lead to each other",
    () =>
      makeArchive([
        symlink("a", "b"),
        hardlink("b", "a"),
        file("manifest.json", JSON.stringify([{ Config: "a", Layers: ["b"] }])),
      ]),
    /it has no file "a"/,
  ],
  [
    "a name with a newline",
    () => makeArchive([file("manifest.json", JSON.stringify([{ Config: "a\nb", Layers: [] }]))]),
    /it has no file "a\\nb"/,
  ],
];

for (const [what, archive, error] of attacks) {
  test(`an archive with ${what} is refused, and nothing of it stays`, async () => {
    await using daemon = await startDaemon();
    const bytes = archive();
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16));
    }
    const request = { body: body(), platforms: [] };
    await assert.rejects(
      loadImages(daemon.images.deps, request, () => undefined, never),
      error,
    );
    const scope = { namespace: "moby" };
    assert.deepEqual(await daemon.images.deps.catalog.list(), []);
    await daemon.services.leases.create(scope, "collects", {});
    await daemon.services.leases.delete(scope, "collects", true);
    const { findings, ...left } = await daemon.services.check.check(false, never);
    assert.deepEqual(findings, []);
    assert.deepEqual(left, { blobs: 0, bytes: 0, snapshots: 0, images: 0, leases: 0, ingests: 0 });
  });
}

test("a layer that an image has several times is one blob, and each a snapshot", async () => {
  await using daemon = await startDaemon();
  const archive = built((layout) => {
    const described = layout.add(mediaTypes.ociLayer, layer);
    const layers = [described, described, described];
    return layout.manifest(
      layout.add(mediaTypes.ociConfig, config(layers.map(({ digest }) => digest))),
      layers,
    );
  });
  async function* body(): AsyncGenerator<Uint8Array> {
    yield archive;
  }
  await loadImages(daemon.images.deps, { body: body(), platforms: [] }, () => undefined, never);
  const { blobs, snapshots, findings } = await daemon.services.check.check(false, never);
  assert.deepEqual({ blobs, snapshots, findings }, { blobs: 3, snapshots: 3, findings: [] });
});
