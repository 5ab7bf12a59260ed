import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "#formats/digest.ts";
import type { Labels, Scope } from "../scope.ts";
import { openTestContainerd, scope, type TestContainerd } from "../testing/test-containerd.ts";

type Services = TestContainerd["services"];
const mediaType = "application/vnd.oci.image.manifest.v1+json";

async function writeBlob({ content }: Services, text: string, labels: Labels, at: Scope = scope) {
  await using writer = await content.openWriter(at, text);
  await writer.write(Buffer.from(text));
  return { mediaType, digest: await writer.commit(0, "", labels), size: text.length };
}

async function writeSnapshot({ snapshots }: Services, name: string, parent: string): Promise<void> {
  await snapshots.prepare(scope, `${name}-work`, parent, {});
  await snapshots.commit(scope, name, `${name}-work`, {});
}

/** An image as a pull leaves it: manifest -> config -> unpacked snapshots. */
async function writeImage(services: Services, name: string) {
  await writeSnapshot(services, `${name}-base`, "");
  await writeSnapshot(services, `${name}-top`, `${name}-base`);
  const config = await writeBlob(services, `${name} config`, {
    "containerd.io/gc.ref.snapshot.overlayfs": `${name}-top`,
  });
  const manifest = await writeBlob(services, `${name} manifest`, {
    "containerd.io/gc.ref.content.config": config.digest,
  });
  await services.images.create(scope, { name, target: manifest, labels: {} });
  return { config, manifest };
}

/** A lease's end is when a client may wait for a collection. */
async function collect({ leases }: Services): Promise<void> {
  await leases.create(scope, "collect", {});
  await leases.delete(scope, "collect", true);
}

async function left({ content, snapshots }: Services): Promise<readonly string[]> {
  const blobs = (await Array.fromAsync(content.list(scope, []))).map(({ digest }) => digest);
  const names = (await Array.fromAsync(snapshots.list(scope, []))).map(({ name }) => name);
  return [...blobs, ...names].sort();
}

test("a deleted image takes its content and snapshots along, another's stay", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  const kept = await writeImage(services, "kept");
  const gone = await writeImage(services, "gone");
  await collect(services);
  assert.equal((await left(services)).length, 8);
  await services.images.delete(scope, "gone");
  await collect(services);
  assert.deepEqual(
    await left(services),
    [kept.config.digest, kept.manifest.digest, "kept-base", "kept-top"].sort(),
  );
  const hex = gone.manifest.digest.slice("sha256:".length);
  assert.equal(existsSync(join(containerd.folder, "root/content/blobs/sha256", hex)), false);
});

test("a container keeps the snapshots under it when its image goes", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  await writeImage(services, "image");
  await services.snapshots.prepare(scope, "web", "image-top", {});
  await services.containers.create(scope, {
    id: "web",
    labels: {},
    image: "image",
    runtime: { name: "" },
    snapshotter: "overlayfs",
    snapshotKey: "web",
    extensions: {},
  });
  await collect(services);
  await services.images.delete(scope, "image");
  await collect(services);
  assert.deepEqual(await left(services), ["image-base", "image-top", "web"]);
});

test("a snapshot that somebody works on is kept without any reference", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  await services.snapshots.prepare(scope, "work", "", {});
  containerd.advance(3_600_000);
  await collect(services);
  assert.deepEqual(await left(services), ["work"]);
});

test("what is made without a lease has minutes to be referred to", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  const blob = await writeBlob(services, "blob", {});
  await writeSnapshot(services, "layer", "");
  await collect(services);
  assert.deepEqual(await left(services), ["layer", blob.digest].sort());
  containerd.advance(6 * 60_000);
  await collect(services);
  assert.deepEqual(await left(services), []);
});

test("roots stay, until they expire", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  const root = await writeBlob(services, "root", { "containerd.io/gc.root": "yes" });
  const until = new Date(1_700_000_000_000 + 3_600_000).toISOString();
  const timed = await writeBlob(services, "timed", { "containerd.io/gc.expire": until });
  containerd.advance(6 * 60_000);
  await collect(services);
  assert.deepEqual(await left(services), [root.digest, timed.digest].sort());
  containerd.advance(3_600_000);
  await collect(services);
  assert.deepEqual(await left(services), [root.digest]);
});

test("an expired lease holds nothing", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  const expire = new Date(1_700_000_000_000 + 60_000).toISOString();
  await services.leases.create(scope, "pull", { "containerd.io/gc.expire": expire });
  const blob = await writeBlob(services, "blob", {}, { ...scope, lease: "pull" });
  await collect(services);
  assert.deepEqual(await left(services), [blob.digest]);
  containerd.advance(120_000);
  await collect(services);
  assert.deepEqual(await left(services), []);
  assert.deepEqual(await services.leases.list(scope, []), []);
});

test("a flat lease keeps the blob, not what it refers to", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  const layer = await writeBlob(services, "layer", {});
  await services.leases.create(scope, "flat", { "containerd.io/gc.flat": "yes" });
  const labels = { "containerd.io/gc.ref.content.0": layer.digest };
  const manifest = await writeBlob(services, "manifest", labels, { ...scope, lease: "flat" });
  containerd.advance(6 * 60_000);
  await collect(services);
  assert.deepEqual(await left(services), [manifest.digest]);
});

test("content of another namespace is not touched", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  const other = { namespace: "other" };
  const target = await writeBlob(services, "shared", {}, other);
  await services.images.create(other, { name: "image", target, labels: {} });
  await writeBlob(services, "shared", {});
  containerd.advance(6 * 60_000);
  await collect(services);
  assert.deepEqual(await left(services), []);
  assert.equal((await services.content.info(other, target.digest)).digest, digestOf("shared"));
});

test("a snapshot that a lease's owner has found stays until the lease ends", async () => {
  await using containerd = await openTestContainerd();
  const { services } = containerd;
  await writeSnapshot(services, "base", "");
  await writeSnapshot(services, "top", "base");
  await services.leases.create(scope, "unpack", {});
  containerd.advance(6 * 60_000);
  assert.equal((await services.snapshots.stat({ ...scope, lease: "unpack" }, "top")).kind, "committed");
  await collect(services);
  assert.equal((await services.snapshots.stat(scope, "base")).name, "base");
  assert.equal((await services.snapshots.stat({ ...scope, lease: "nosuch" }, "top")).name, "top");
  await services.leases.delete(scope, "unpack", true);
  await assert.rejects(services.snapshots.stat(scope, "top"), /does not exist/);
});
