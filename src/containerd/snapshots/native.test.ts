import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Mount } from "#spec/oci-runtime.ts";
import { FakeShims } from "../testing/fake-shims.ts";
import { openTestContainerd, scope } from "../testing/test-containerd.ts";

const open = () => openTestContainerd(undefined, new FakeShims(), "native");

const directoryOf = ([mount]: readonly Mount[]): string => mount?.source ?? "";

test("native: what is prepared is a copy of its parent, and a view is the parent itself", async () => {
  await using containerd = await open();
  const { snapshots } = containerd.services;
  const base = directoryOf(await snapshots.prepare(scope, "base-work", "", {}));
  mkdirSync(join(base, "folder"));
  writeFileSync(join(base, "folder/file"), "text");
  await snapshots.commit(scope, "base", "base-work", {});
  const mounts = await snapshots.prepare(scope, "one", "base", {});
  assert.deepEqual(
    mounts.map(({ type, options }) => [type, options]),
    [["bind", ["rbind", "rw"]]],
  );
  const copy = directoryOf(mounts);
  assert.equal(readFileSync(join(copy, "folder/file"), "utf8"), "text");
  writeFileSync(join(copy, "folder/file"), "changed");
  const [view] = await snapshots.view(scope, "seen", "base", {});
  assert.deepEqual([view?.type, view?.source, view?.options], ["bind", base, ["rbind", "ro"]]);
  assert.equal(readFileSync(join(base, "folder/file"), "utf8"), "text");
  assert.deepEqual(await snapshots.mounts(scope, "one"), mounts);
});

test("native: a copy that fails leaves neither a record nor a directory", async () => {
  await using containerd = await openTestContainerd(undefined, new FakeShims(), "native", () =>
    Promise.reject(new Error("no space left on device")),
  );
  const { snapshots } = containerd.services;
  await snapshots.prepare(scope, "base-work", "", {});
  await snapshots.commit(scope, "base", "base-work", {});
  await assert.rejects(snapshots.prepare(scope, "one", "base", {}), { message: "no space left on device" });
  await assert.rejects(snapshots.stat(scope, "one"), /does not exist/);
  const names = readdirSync(join(containerd.folder, "root/snapshots"));
  assert.equal(names.filter((name) => /^\d+$/.test(name)).length, 1);
});
