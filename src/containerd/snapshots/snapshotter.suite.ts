// What every snapshotter must do.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { isKind } from "#base/errors.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { scope, type TestContainerd } from "../testing/test-containerd.ts";

export function snapshotterSuite(title: string, open: () => Promise<TestContainerd>): void {
  const on = (what: string, body: (store: TestContainerd["services"]["snapshots"]) => Promise<void>): void =>
    void test(`${title}: ${what}`, async () => {
      await using containerd = await open();
      await body(containerd.services.snapshots);
    });

  on("a snapshot without parent is a directory to bind", async (snapshots) => {
    const [mount, ...more] = await snapshots.prepare(scope, "key", "", { a: "b" });
    assert.deepEqual([mount?.type, mount?.options, more], ["bind", ["rw", "rbind"], []]);
    const info = await snapshots.stat(scope, "key");
    assert.deepEqual([info.kind, info.parent, info.labels], ["active", "", { a: "b" }]);
    assert.deepEqual(await snapshots.mounts(scope, "key"), [mount]);
  });

  on("layers stack, the newest first", async (snapshots) => {
    const directories: string[] = [];
    for (const [name, parent] of [
      ["one", ""],
      ["two", "one"],
    ] as const) {
      directories.unshift(upperOf(await snapshots.prepare(scope, `${name}-work`, parent, {})));
      await snapshots.commit(scope, name, `${name}-work`, {});
    }
    const [mount] = await snapshots.prepare(scope, "container", "two", {});
    assert.deepEqual([mount?.type, mount?.source], ["overlay", "overlay"]);
    assert.equal(mount?.options?.includes("index=off"), true);
    assert.equal(mount?.options?.at(-1), `lowerdir=${directories.join(":")}`);
    assert.deepEqual((await snapshots.stat(scope, "two")).kind, "committed");
    assert.deepEqual((await snapshots.stat(scope, "two")).parent, "one");
  });

  on("a view is read-only: one parent bound, more stacked", async (snapshots) => {
    await snapshots.prepare(scope, "a", "", {});
    await snapshots.commit(scope, "one", "a", {});
    const [bound] = await snapshots.view(scope, "view-one", "one", {});
    assert.deepEqual([bound?.type, bound?.options], ["bind", ["ro", "rbind"]]);
    await snapshots.prepare(scope, "b", "one", {});
    await snapshots.commit(scope, "two", "b", {});
    const [stacked] = await snapshots.view(scope, "view-two", "two", {});
    assert.equal(
      stacked?.options?.some((option) => option.startsWith("upperdir=")),
      false,
    );
    await assert.rejects(snapshots.commit(scope, "x", "view-two", {}), /not active/);
  });

  on("keys are given once; parents must be there and committed", async (snapshots) => {
    await snapshots.prepare(scope, "key", "", {});
    await assert.rejects(snapshots.prepare(scope, "key", "", {}), /already exists/);
    const orphan = snapshots.prepare(scope, "other", "absent", {});
    await assert.rejects(orphan, (error) => isKind(error, "notFound"));
    await assert.rejects(snapshots.prepare(scope, "other", "key", {}), /not committed/);
    await snapshots.commit(scope, "name", "key", {});
    await snapshots.prepare(scope, "key", "", {});
    await assert.rejects(snapshots.commit(scope, "name", "key", {}), /already exists/);
  });

  on("a parent outlives its children", async (snapshots) => {
    await snapshots.prepare(scope, "a", "", {});
    await snapshots.commit(scope, "one", "a", {});
    await snapshots.prepare(scope, "child", "one", {});
    await assert.rejects(
      snapshots.remove(scope, "one"),
      /cannot remove snapshot with child: failed precondition/,
    );
    await snapshots.remove(scope, "child");
    await snapshots.remove(scope, "one");
    await assert.rejects(snapshots.stat(scope, "one"), (error) => isKind(error, "notFound"));
  });

  on("a removed key can be used again at once", async (snapshots) => {
    await snapshots.prepare(scope, "key", "", {});
    await snapshots.remove(scope, "key");
    await snapshots.prepare(scope, "key", "", {});
  });

  on("usage counts blocks and inodes", async (snapshots) => {
    const folder = upperOf(await snapshots.prepare(scope, "key", "", {}));
    const before = await snapshots.usage(scope, "key");
    writeFileSync(`${folder}/file`, Buffer.alloc(100_000, "x"));
    const after = await snapshots.usage(scope, "key");
    assert.equal(after.inodes, before.inodes + 1);
    assert.ok(after.size >= before.size + 100_000);
  });

  on("listing takes filters; labels are replaced", async (snapshots) => {
    await snapshots.prepare(scope, "a", "", { layer: "1" });
    await snapshots.prepare(scope, "b", "", {});
    const names = async (filter: string) =>
      (await Array.fromAsync(snapshots.list(scope, [filter]))).map(({ name }) => name);
    assert.deepEqual(await names("labels.layer==1"), ["a"]);
    assert.deepEqual(await names("kind==active"), ["a", "b"]);
    assert.deepEqual((await snapshots.update(scope, "a", { x: "y" }, [])).labels, { x: "y" });
  });
}

function upperOf([mount]: readonly Mount[]): string {
  const upper = mount?.options?.find((option) => option.startsWith("upperdir="));
  return upper?.slice("upperdir=".length) ?? mount?.source ?? "";
}
