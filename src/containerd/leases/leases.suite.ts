// What every lease service must do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "#base/errors.ts";
import { digestOf } from "#formats/digest.ts";
import { scope, type TestContainerd } from "../testing/test-containerd.ts";

export function leasesSuite(title: string, open: () => Promise<TestContainerd>): void {
  const on = (what: string, body: (services: TestContainerd["services"]) => Promise<void>): void =>
    void test(`${title}: ${what}`, async () => {
      await using containerd = await open();
      await body(containerd.services);
    });

  on("leases are made, listed and deleted", async ({ leases }) => {
    await leases.create(scope, "one", { kind: "pull" });
    await leases.create(scope, "two", {});
    await assert.rejects(leases.create(scope, "one", {}), /already exists/);
    assert.deepEqual(
      (await leases.list(scope, ["labels.kind==pull"])).map(({ id }) => id),
      ["one"],
    );
    await leases.delete(scope, "one", false);
    assert.deepEqual(
      (await leases.list(scope, [])).map(({ id }) => id),
      ["two"],
    );
    await assert.rejects(leases.delete(scope, "one", false), (error) => isKind(error, "notFound"));
  });

  on("resources are added and taken away", async ({ leases }) => {
    await leases.create(scope, "one", {});
    const resource = { type: "content", id: `sha256:${"a".repeat(64)}` };
    await leases.addResource(scope, "one", resource);
    await leases.addResource(scope, "one", resource);
    assert.deepEqual(await leases.listResources(scope, "one"), [resource]);
    await leases.deleteResource(scope, "one", resource);
    assert.deepEqual(await leases.listResources(scope, "one"), []);
  });

  on("what is made under a lease ends with it", async ({ leases, content, snapshots }) => {
    const lease = await leases.create(scope, "pull", {});
    const leased = { ...scope, lease: lease.id };
    const bytes = Buffer.from("layer");
    {
      await using writer = await content.openWriter(leased, "ref");
      await writer.write(bytes);
      await writer.commit(0, "", {});
    }
    await snapshots.prepare(leased, "extract", "", {});
    await snapshots.commit(leased, "layer", "extract", {});
    const resources = (await leases.listResources(scope, "pull")).map(({ id }) => id);
    assert.deepEqual(resources, [digestOf(bytes), "extract", "layer"]);
    await leases.delete(scope, "pull", true);
    await assert.rejects(content.info(scope, digestOf(bytes)), (error) => isKind(error, "notFound"));
    await assert.rejects(snapshots.stat(scope, "layer"), (error) => isKind(error, "notFound"));
  });

  on("nothing can be made under a lease that is not there", async ({ snapshots }) => {
    const prepared = snapshots.prepare({ ...scope, lease: "gone" }, "key", "", {});
    await assert.rejects(prepared, (error) => isKind(error, "notFound"));
    await assert.rejects(snapshots.stat(scope, "key"), (error) => isKind(error, "notFound"));
  });
}
