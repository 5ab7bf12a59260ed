// Images of several platforms: loaded, told of, saved and removed, as a whole and one by one; digests stay.

import assert from "node:assert/strict";
import { get } from "node:http";
import { test } from "node:test";
import { loadImages } from "#engine/images/load.ts";
import type { ProgressMessage } from "#engine/images/progress-messages.ts";
import { removePlatforms } from "#engine/images/remove-platforms.ts";
import { resolveImage } from "#engine/images/resolve.ts";
import { saveImages } from "#engine/images/save.ts";
import { digestOf } from "#formats/digest.ts";
import { type Descriptor, mediaTypes, type Platform } from "#spec/oci-image.ts";
import { parsePlatform } from "#spec/platform.ts";
import { startDaemon } from "./hashing-daemon.ts";
import type { ImageDaemon } from "./image-daemon.ts";
import { file, makeArchive } from "./unpacker.ts";

const never = new AbortController().signal;

class Layout {
  readonly #blobs = new Map<string, Buffer>();

  add(mediaType: string, content: Buffer | object): Descriptor {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes);
    this.#blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  addImage(platform: Platform): Descriptor {
    const archive = makeArchive([file("made-for", platform.architecture)]);
    const layer = this.add(mediaTypes.ociLayer, archive);
    const rootfs = { type: "layers", diff_ids: [layer.digest] };
    const config = this.add(mediaTypes.ociConfig, { ...platform, rootfs });
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
    return { ...this.add(mediaTypes.ociManifest, manifest), platform };
  }

  drop(digest: string): void {
    this.#blobs.delete(digest);
  }

  archive(top: Descriptor, name?: string): Buffer {
    const annotations = name === undefined ? {} : { "io.containerd.image.name": name };
    const index = { schemaVersion: 2, manifests: [{ ...top, annotations }] };
    return makeArchive([
      ...[...this.#blobs].map(([digest, bytes]) =>
        file(`blobs/sha256/${digest.slice(7)}`, bytes.toString("latin1")),
      ),
      file("index.json", JSON.stringify(index)),
    ]);
  }
}

const amd64 = parsePlatform("linux/amd64");
const arm64 = parsePlatform("linux/arm64");

function makeIndex() {
  const layout = new Layout();
  const manifests = [layout.addImage(arm64), layout.addImage(amd64)];
  const absent = layout.addImage(parsePlatform("linux/s390x"));
  layout.drop(absent.digest);
  const mediaType = mediaTypes.ociIndex;
  const top = layout.add(mediaType, { schemaVersion: 2, mediaType, manifests: [...manifests, absent] });
  return {
    layout,
    top,
    arm: manifests[0]?.digest ?? "",
    amd: manifests[1]?.digest ?? "",
    absent: absent.digest,
  };
}

async function* once(archive: Uint8Array): AsyncGenerator<Uint8Array> {
  yield archive;
}

async function load(daemon: ImageDaemon, archive: Uint8Array, platforms: readonly Platform[] = []) {
  const messages: ProgressMessage[] = [];
  const request = { body: once(archive), platforms };
  await loadImages(daemon.images.deps, request, (message) => messages.push(message), never);
  return messages.flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
}

const save = async (daemon: ImageDaemon, platforms: readonly Platform[] = []): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(await saveImages(daemon.images.deps, ["app:1"], platforms)));

async function ask(daemon: ImageDaemon, path: string): Promise<{ status: number; body: unknown }> {
  const { promise, resolve } = Promise.withResolvers<{ status: number; body: unknown }>();
  get({ socketPath: daemon.socket, path, agent: false }, async (response) => {
    const chunks = await Array.fromAsync(response);
    resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
  });
  return await promise;
}

const query = (platform: Platform): string => encodeURIComponent(JSON.stringify(platform));

const targetOf = async (daemon: ImageDaemon): Promise<string> =>
  (await daemon.images.deps.images.get({ namespace: "moby" }, "docker.io/library/app:1")).target.digest;

test("an index is loaded with all its platforms that are in the archive, and its digest stays", async () => {
  await using daemon = await startDaemon();
  const { layout, top } = makeIndex();
  assert.deepEqual(await load(daemon, layout.archive(top, "docker.io/library/app:1")), [
    "Loaded image: app:1\n",
  ]);
  assert.equal(await targetOf(daemon), top.digest);
  const saved = await save(daemon);
  await using other = await startDaemon();
  await load(other, saved);
  assert.equal(await targetOf(other), top.digest);
  assert.deepEqual(
    (await other.images.deps.catalog.get("app:1")).image.others.map(({ config }) => config.architecture),
    ["arm64"],
  );
});

test("the list and inspect tell of each manifest, also of those that are elsewhere", async () => {
  await using daemon = await startDaemon();
  const { layout, top, arm, amd, absent } = makeIndex();
  await load(daemon, layout.archive(top, "docker.io/library/app:1"));
  const facts = (manifests: unknown): unknown =>
    Array.isArray(manifests) &&
    manifests.map(({ ID, Available, Kind, ImageData }) => [
      ID,
      Available,
      Kind,
      ImageData.Platform.architecture,
    ]);
  const expected = [
    [arm, true, "image", "arm64"],
    [amd, true, "image", "amd64"],
    [absent, false, "image", "s390x"],
  ];
  const { body: listed } = await ask(daemon, "/v1.47/images/json?manifests=1");
  assert.deepEqual(facts(Object(listed)[0].Manifests), expected);
  const { body: inspected } = await ask(daemon, "/v1.48/images/app:1/json?manifests=1");
  assert.deepEqual(facts(Object(inspected).Manifests), expected);
  assert.equal(Object(inspected).Descriptor.digest, top.digest);
  const { body: older } = await ask(daemon, "/v1.46/images/json?manifests=1");
  assert.equal("Manifests" in Object(older)[0], false);
});

test("inspect, history and containers are for the platform that is asked for", async () => {
  await using daemon = await startDaemon();
  const { layout, top } = makeIndex();
  await load(daemon, layout.archive(top, "docker.io/library/app:1"));
  const inspect = (version: string, platform: Platform) =>
    ask(daemon, `/v${version}/images/app:1/json?platform=${query(platform)}`);
  assert.equal(Object((await inspect("1.49", arm64)).body).Architecture, "arm64");
  assert.equal(Object((await inspect("1.48", arm64)).body).Architecture, "amd64");
  assert.deepEqual(await inspect("1.49", parsePlatform("linux/s390x")), {
    status: 404,
    body: {
      message:
        "image with reference app:1 was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)",
    },
  });
  for (const [bad, message] of [
    ["{}", "both OS and Architecture must be provided"],
    ["x", "failed to parse platform: not a JSON document"],
    ['{"variant":"v7"}', "optional platform fields provided, but OS and Architecture are missing"],
  ])
    assert.deepEqual(
      await ask(daemon, `/v1.49/images/app:1/json?platform=${encodeURIComponent(bad ?? "")}`),
      {
        status: 400,
        body: { message },
      },
    );
  const conflict = `/v1.49/images/app:1/json?manifests=1&platform=${query(arm64)}`;
  assert.equal((await ask(daemon, conflict)).status, 400);
  const { id } = await resolveImage(daemon.images.deps, "app:1", "linux/arm64");
  assert.equal((await daemon.images.deps.catalog.get(id)).image.config.architecture, "arm64");
});

test("one platform is saved and loaded as an image of its own", async () => {
  await using daemon = await startDaemon();
  const { layout, top, arm, amd } = makeIndex();
  await load(daemon, layout.archive(top, "docker.io/library/app:1"));
  const saved = await save(daemon, [arm64]);
  await using other = await startDaemon();
  await load(other, saved);
  assert.equal(await targetOf(other), arm);
  await using third = await startDaemon();
  await load(third, await save(daemon), [amd64]);
  assert.equal(await targetOf(third), amd);
  assert.equal((await third.images.deps.catalog.get("app:1")).image.others.length, 0);
  await assert.rejects(load(third, saved, [amd64]), /requested platform \(linux\/amd64\) not found/);
  await assert.rejects(save(daemon, [parsePlatform("linux/s390x")]), { kind: "notFound" });
});

test("a platform is removed with its layers, the others stay; the last one takes the names", async () => {
  await using daemon = await startDaemon();
  const { layout, top, arm } = makeIndex();
  await load(daemon, layout.archive(top, "docker.io/library/app:1"));
  const { deps } = daemon.images;
  const options = { force: false, prune: true };
  const before = (await Array.fromAsync(daemon.services.snapshots.list({ namespace: "moby" }, []))).length;
  assert.deepEqual(await removePlatforms(deps, "app:1", [arm64], options), [{ Deleted: arm }]);
  assert.equal((await deps.catalog.get("app:1")).image.others.length, 0);
  await daemon.services.leases.create({ namespace: "moby" }, "collects", {});
  await daemon.services.leases.delete({ namespace: "moby" }, "collects", true);
  const after = await Array.fromAsync(daemon.services.snapshots.list({ namespace: "moby" }, []));
  assert.equal(after.length, before - 1);
  await assert.rejects(removePlatforms(deps, "app:1", [arm64], options), { kind: "notFound" });
  await removePlatforms(deps, "app:1", [amd64], options);
  assert.deepEqual(await deps.catalog.list(), []);
});
