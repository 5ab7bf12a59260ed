// Pushes to a registry in this process that breaks connections on demand.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { importImage } from "#engine/images/import.ts";
import type { ProgressMessage } from "#engine/images/progress-messages.ts";
import { pushImage } from "#engine/images/push.ts";
import { tagImage } from "#engine/images/tag.ts";
import { digestOf } from "#formats/digest.ts";
import { mediaTypes } from "#spec/oci-image.ts";
import { FakeRegistry, refuse } from "./fake-registry.ts";
import { startDaemon } from "./hashing-daemon.ts";
import type { ImageDaemon } from "./image-daemon.ts";
import { pull } from "./pulling.ts";
import { file, makeArchive, never } from "./unpacker.ts";
import { acceptUploads } from "./uploads.ts";

interface Pushed {
  /** Without bars. */
  readonly statuses: readonly string[];
  readonly aux: unknown;
}

async function push(daemon: ImageDaemon, image: string, tag = "", platform = ""): Promise<Pushed> {
  const messages: ProgressMessage[] = [];
  const request = { image, tag, platform, credentials: undefined };
  await pushImage(daemon.images.deps, request, (message) => messages.push(message), never);
  const steps = messages.filter(({ progress, status }) => progress === undefined && status !== undefined);
  return {
    statuses: steps.map(({ id = "", status = "" }) => `${id} ${status}`.trim()),
    aux: messages.at(-1)?.aux,
  };
}

const layer = makeArchive([file("a", randomBytes(200_000).toString("hex"))]);

async function importLayer(daemon: ImageDaemon, repo: string, archive: Buffer = layer): Promise<void> {
  const source = (async function* () {
    yield archive;
  })();
  const request = { source, repo, tag: "1", message: "", changes: [], platform: "" };
  await importImage(daemon.images.deps, request, () => undefined, never);
}

const leasesOf = async ({ services }: ImageDaemon) => await services.leases.list({ namespace: "moby" }, []);

test("a pulled image is pushed as it came, its layers only where they are not", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const uploads = acceptUploads(registry);
  const { manifest, layers, config } = registry.addImage("v1", [[file("a")], [file("b")]]);
  await pull(daemon, `${registry.address}/from:v1`);
  await tagImage(daemon.images.deps, `${registry.address}/from:v1`, `${registry.address}/team/to`, "v2");
  const { statuses, aux } = await push(daemon, `${registry.address}/team/to`, "v2");
  const { diff_ids }: { diff_ids: string[] } = JSON.parse(String(registry.blob(config.digest))).rootfs;
  const ids = diff_ids.map((id) => id.slice(7, 19)).reverse();
  assert.equal(statuses[0], `The push refers to repository [${registry.address}/team/to]`);
  assert.deepEqual(
    statuses.slice(1, 3),
    ids.map((id) => `${id} Preparing`),
  );
  assert.deepEqual(statuses.slice(3, 5).sort(), ids.map((id) => `${id} Pushed`).sort());
  assert.equal(statuses[5], `v2: digest: ${manifest.digest} size: ${manifest.size}`);
  assert.deepEqual(aux, { Tag: "v2", Digest: manifest.digest, Size: manifest.size });
  assert.deepEqual(
    [...(uploads.blobs.get("team/to") ?? [])].sort(),
    [...layers, config].map(({ digest }) => digest).sort(),
  );
  const before = uploads.received;
  const again = await push(daemon, `${registry.address}/team/to`, "v2");
  assert.deepEqual(again.statuses.slice(3, 5).sort(), ids.map((id) => `${id} Layer already exists`).sort());
  assert.equal(uploads.received, before);
  assert.deepEqual(await leasesOf(daemon), []);
});

test("what was made here is compressed once, and mounted from the repository that has it", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const uploads = acceptUploads(registry);
  await importLayer(daemon, `${registry.address}/one`);
  await tagImage(daemon.images.deps, `${registry.address}/one:1`, `${registry.address}/two`, "1");
  const first = await push(daemon, `${registry.address}/one`, "1");
  const second = await push(daemon, `${registry.address}/two`, "1");
  const id = digestOf(layer).slice(7, 19);
  assert.equal(first.statuses[2], `${id} Pushed`);
  assert.equal(second.statuses[2], `${id} Mounted from one`);
  assert.deepEqual(second.aux, first.aux);
  const manifest = JSON.parse(String(uploads.manifests.get("one:1")));
  assert.equal(manifest.mediaType, mediaTypes.dockerManifest);
  assert.ok(gunzipSync(registry.blob(manifest.layers[0].digest)).equals(layer));
  // Both names stand for what was pushed; nothing refers to the plain layer any more.
  const { image } = await daemon.images.deps.catalog.get(`${registry.address}/one:1`);
  assert.deepEqual(
    image.layers.map(({ digest }) => digest),
    [manifest.layers[0].digest],
  );
  assert.equal(new Set(image.records.map(({ target }) => target.digest)).size, 1);
});

for (const [fault, how, patches] of [
  [undefined, "goes on at the byte that it had got to", 2],
  ["forgets", "is sent anew in a new session", 0],
  ["spoils", "is sent anew if the registry's bytes of it are others", 2],
] as const)
  test(`an upload that breaks off ${how}`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    const uploads = acceptUploads(registry);
    const { layers } = registry.addImage("v1", [[file("a", randomBytes(300_000).toString("hex"))]]);
    const size = layers[0]?.size ?? 0;
    await pull(daemon, `${registry.address}/from:v1`);
    await tagImage(daemon.images.deps, `${registry.address}/from:v1`, `${registry.address}/to`, "1");
    uploads.cutAfter.push(100_000, 150_000);
    uploads.fault = fault;
    const { statuses } = await push(daemon, `${registry.address}/to`, "1");
    assert.match(statuses.at(-2) ?? "", / Pushed$/);
    const wasted = uploads.received - size;
    assert.ok(fault === undefined ? wasted < 1000 : wasted > 200_000, `${wasted} bytes too many`);
    assert.equal(registry.requests.filter((request) => request.startsWith("PATCH")).length, patches);
  });

test("an index is pushed whole if all of it is here, else what is here, and one platform if it is named", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const uploads = acceptUploads(registry);
  const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
  const images = platforms.map((platform, index) => ({
    ...registry.addImage(`part${index}`, [[file(`a${index}`)]], platform).manifest,
    platform,
  }));
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: images };
  const top = registry.addManifest("latest", mediaTypes.ociIndex, index);
  const from = `${registry.address}/from:latest`;
  await pull(daemon, from, { platform: "linux/amd64" });
  await tagImage(daemon.images.deps, from, `${registry.address}/to`, "1");
  assert.match(
    (await push(daemon, `${registry.address}/to`, "1")).statuses.at(-1) ?? "",
    new RegExp(images[0]?.digest ?? ""),
  );
  await pull(daemon, from, { platform: "linux/arm64" });
  assert.match(
    (await push(daemon, `${registry.address}/to`, "1")).statuses.at(-1) ?? "",
    new RegExp(top.digest),
  );
  assert.ok(uploads.manifests.has(`to@${images[1]?.digest}`));
  const arm = await push(daemon, `${registry.address}/to`, "1", "linux/arm64");
  assert.match(arm.statuses.at(-1) ?? "", new RegExp(images[1]?.digest ?? ""));
  await assert.rejects(push(daemon, `${registry.address}/to`, "1", "linux/s390x"), {
    message: `image with reference ${registry.address}/to:1 was found but does not provide the specified platform (linux/s390x)`,
  });
});

test("without a tag all of the repository's tags are pushed", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const uploads = acceptUploads(registry);
  await importLayer(daemon, `${registry.address}/one`);
  await tagImage(daemon.images.deps, `${registry.address}/one:1`, `${registry.address}/one`, "2");
  await push(daemon, `${registry.address}/one`);
  assert.ok(uploads.manifests.get("one:1")?.equals(uploads.manifests.get("one:2") ?? Buffer.alloc(0)));
});

test("what is not here is told after what the push is of", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  acceptUploads(registry);
  await importLayer(daemon, `${registry.address}/one`);
  await assert.rejects(push(daemon, `${registry.address}/none`, "1"), {
    message: `An image does not exist locally with the tag: ${registry.address}/none`,
  });
  await assert.rejects(push(daemon, `${registry.address}/one`, "2"), {
    message: `tag does not exist: ${registry.address}/one:2`,
  });
  await assert.rejects(push(daemon, `${registry.address}/one`, "a b"), { message: "invalid tag format" });
  assert.deepEqual(await leasesOf(daemon), []);
});

for (const [what, code, status, message] of [
  ["a push that is denied", "DENIED", 403, /^denied: because$/],
  ["a push by nobody", "UNAUTHORIZED", 401, /^unauthorized: because$/],
  ["a registry that takes nothing", "UNSUPPORTED", 405, /^unsupported: because$/],
] as const)
  test(`${what} is told in the registry's words, and changes nothing`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    const uploads = acceptUploads(registry);
    await importLayer(daemon, `${registry.address}/one`);
    registry.intercept = (answer) => {
      if (answer.request.method !== "POST") return uploads.answer(answer);
      refuse(answer.response, code, status, "because");
      return true;
    };
    const before = await daemon.services.images.list({ namespace: "moby" }, []);
    await assert.rejects(push(daemon, `${registry.address}/one`, "1"), { message });
    assert.deepEqual(await daemon.services.images.list({ namespace: "moby" }, []), before);
    assert.deepEqual(await leasesOf(daemon), []);
  });
