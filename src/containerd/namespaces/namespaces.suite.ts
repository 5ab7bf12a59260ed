// What every namespaces service must do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "#base/errors.ts";
import type { TestContainerd } from "../testing/test-containerd.ts";

export function namespacesSuite(title: string, open: () => Promise<TestContainerd>): void {
  const on = (what: string, body: (services: TestContainerd["services"]) => Promise<void>): void =>
    void test(`${title}: ${what}`, async () => {
      await using containerd = await open();
      await body(containerd.services);
    });

  on("namespaces are made, relabelled, listed and deleted", async ({ namespaces }) => {
    await namespaces.create("moby", { owner: "engine" });
    await assert.rejects(namespaces.create("moby", {}), /already exists/);
    await namespaces.update("moby", { more: "1" }, ["labels.more"]);
    assert.deepEqual(await namespaces.get("moby"), { name: "moby", labels: { owner: "engine", more: "1" } });
    assert.deepEqual(await namespaces.list(), [{ name: "moby", labels: { owner: "engine", more: "1" } }]);
    await namespaces.delete("moby");
    assert.deepEqual(await namespaces.get("moby"), { name: "moby", labels: {} });
    assert.deepEqual(await namespaces.list(), []);
    await assert.rejects(namespaces.delete("moby"), (error) => isKind(error, "notFound"));
    await namespaces.update("moby", { made: "1" }, ["labels.made"]);
    assert.deepEqual(await namespaces.list(), [{ name: "moby", labels: { made: "1" } }]);
  });

  on("an object makes its namespace, which cannot be deleted under it", async ({ namespaces, snapshots }) => {
    await snapshots.prepare({ namespace: "fresh" }, "key", "", {});
    assert.equal((await namespaces.get("fresh")).name, "fresh");
    await assert.rejects(
      namespaces.delete("fresh"),
      /must be empty, but it still has snapshots on "overlayfs" snapshotter: failed precondition/,
    );
    await snapshots.remove({ namespace: "fresh" }, "key");
    await namespaces.delete("fresh");
    await snapshots.prepare({ namespace: "fresh" }, "key", "", {});
    assert.equal((await namespaces.get("fresh")).name, "fresh");
  });

  on("an unfinished ingest keeps its namespace", async ({ namespaces, content }) => {
    const fresh = { namespace: "fresh" };
    await (await content.openWriter(fresh, "ref"))[Symbol.asyncDispose]();
    await assert.rejects(
      namespaces.delete("fresh"),
      /must be empty, but it still has ingests: failed precondition/,
    );
    await content.abort(fresh, "ref");
    await namespaces.delete("fresh");
  });

  on("names that would climb out of a directory are refused", async ({ namespaces, images }) => {
    for (const name of ["..", "a/b", "", "x".repeat(77), "-a"])
      await assert.rejects(namespaces.create(name, {}), (error) => isKind(error, "invalid"), name);
    const target = { mediaType: "x/y", digest: "sha256:1", size: 1 };
    const image = images.create({ namespace: "../x" }, { name: "image", target, labels: {} });
    await assert.rejects(image, (error) => isKind(error, "invalid"));
  });
}
