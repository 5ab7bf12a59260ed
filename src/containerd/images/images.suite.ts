// What every image store must do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "#base/errors.ts";
import { scope, type TestContainerd } from "../testing/test-containerd.ts";

const target = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${"a".repeat(64)}`,
  size: 7,
};
const other = { ...target, digest: `sha256:${"b".repeat(64)}` };
const name = "docker.io/library/busybox:latest";

export function imagesSuite(title: string, open: () => Promise<TestContainerd>): void {
  const on = (what: string, body: (store: TestContainerd["services"]["images"]) => Promise<void>): void =>
    void test(`${title}: ${what}`, async () => {
      await using containerd = await open();
      await body(containerd.services.images);
    });

  on("a created image is found by name, in its namespace only", async (images) => {
    await images.create(scope, { name, target, labels: { a: "b" } });
    const image = await images.get(scope, name);
    assert.deepEqual(
      [image.target, image.labels, image.createdAt.getTime()],
      [target, { a: "b" }, 1_700_000_000_000],
    );
    await assert.rejects(images.get({ namespace: "other" }, name), (error) => isKind(error, "notFound"));
  });

  on("a name is given once", async (images) => {
    await images.create(scope, { name, target, labels: {} });
    await assert.rejects(images.create(scope, { name, target: other, labels: {} }), /already exists/);
  });

  on("an update changes what its mask names", async (images) => {
    await images.create(scope, { name, target, labels: { a: "1", b: "2" } });
    const relabelled = await images.update(scope, { name, target: other, labels: { a: "3" } }, ["labels.a"]);
    assert.deepEqual([relabelled.target.digest, relabelled.labels], [target.digest, { a: "3", b: "2" }]);
    const moved = await images.update(scope, { name, target: other, labels: {} }, ["target"]);
    assert.deepEqual([moved.target.digest, moved.labels], [other.digest, { a: "3", b: "2" }]);
    const replaced = await images.update(scope, { name, target, labels: { c: "4" } }, []);
    assert.deepEqual([replaced.target.digest, replaced.labels], [target.digest, { c: "4" }]);
  });

  on("listing takes filters", async (images) => {
    await images.create(scope, { name, target, labels: { kind: "tool" } });
    await images.create(scope, { name: "docker.io/library/nginx:1", target: other, labels: {} });
    const names = async (...filters: string[]) =>
      (await images.list(scope, filters)).map((image) => image.name);
    assert.deepEqual(await names(), [name, "docker.io/library/nginx:1"]);
    assert.deepEqual(await names("name~=nginx"), ["docker.io/library/nginx:1"]);
    assert.deepEqual(await names("labels.kind==tool", `target.digest==${other.digest}`), [
      name,
      "docker.io/library/nginx:1",
    ]);
  });

  on("a deleted image is gone", async (images) => {
    await images.create(scope, { name, target, labels: {} });
    await images.delete(scope, name);
    await assert.rejects(images.delete(scope, name), (error) => isKind(error, "notFound"));
  });

  on("an image needs a name and a target", async (images) => {
    for (const image of [
      { name: "", target, labels: {} },
      { name, target: { ...target, digest: "" }, labels: {} },
    ])
      await assert.rejects(images.create(scope, image), (error) => isKind(error, "invalid"));
  });
}
