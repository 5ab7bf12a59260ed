// What every store of container records must do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "#base/errors.ts";
import { scope, type TestContainerd } from "../testing/test-containerd.ts";
import type { ContainerCreate } from "./containers.ts";

const container: ContainerCreate = {
  id: "web",
  labels: { tier: "front" },
  image: "docker.io/library/nginx:1",
  runtime: {
    name: "io.containerd.runc.v2",
    options: { typeUrl: "containerd.runc.v1.Options", value: new Uint8Array([8, 1]) },
  },
  spec: { typeUrl: "spec", value: new Uint8Array([123, 125]) },
  snapshotter: "overlayfs",
  snapshotKey: "web",
  extensions: { note: { typeUrl: "text", value: new Uint8Array([0, 255]) } },
};

export function containersSuite(title: string, open: () => Promise<TestContainerd>): void {
  const on = (what: string, body: (store: TestContainerd["services"]["containers"]) => Promise<void>): void =>
    void test(`${title}: ${what}`, async () => {
      await using containerd = await open();
      await body(containerd.services.containers);
    });

  on("a record comes back as it was made", async (containers) => {
    await containers.create(scope, container);
    const { createdAt, updatedAt, ...record } = await containers.get(scope, "web");
    assert.deepEqual(plain(record), plain(container));
    assert.equal(createdAt.getTime(), updatedAt.getTime());
  });

  on("an id is given once, and is no path", async (containers) => {
    await containers.create(scope, container);
    await assert.rejects(containers.create(scope, container), /already exists/);
    const climbing = containers.create(scope, { ...container, id: "../web" });
    await assert.rejects(climbing, (error) => isKind(error, "invalid"));
  });

  on("an update changes what its mask names", async (containers) => {
    await containers.create(scope, container);
    const wanted = { ...container, image: "other", labels: { tier: "back" }, snapshotKey: "x" };
    const updated = await containers.update(scope, wanted, ["labels.tier", "image"]);
    assert.deepEqual(
      [updated.image, updated.labels, updated.snapshotKey],
      ["other", { tier: "back" }, "web"],
    );
    await assert.rejects(containers.update(scope, wanted, ["runtime"]), /cannot update "runtime"/);
  });

  on("listing takes filters", async (containers) => {
    await containers.create(scope, container);
    await containers.create(scope, { ...container, id: "db", labels: {} });
    const ids = async (filter: string) => (await containers.list(scope, [filter])).map(({ id }) => id);
    assert.deepEqual(await ids("labels.tier==front"), ["web"]);
    assert.deepEqual(await ids("id==db"), ["db"]);
    assert.deepEqual(await ids("runtime.name~=runc"), ["db", "web"]);
  });

  on("a deleted record is gone", async (containers) => {
    await containers.create(scope, container);
    await containers.delete(scope, "web");
    await assert.rejects(containers.get(scope, "web"), /container "web" in namespace "test": not found/);
    await assert.rejects(containers.delete(scope, "web"), (error) => isKind(error, "notFound"));
  });
}

/** Buffers become byte arrays. */
const plain = (value: unknown): unknown => structuredClone(value);
