import assert from "node:assert/strict";
import { test } from "node:test";
import { planSnapshotMount } from "./mount-plan.ts";

const overlay = (options: readonly string[]) =>
  planSnapshotMount([{ destination: "", type: "overlay", source: "overlay", options }], "/t").filter(
    ({ op }) => op === "mount",
  )[0];

test("the mounts are made in a private namespace and opened as root", () => {
  const ops = planSnapshotMount(
    [{ destination: "", type: "bind", source: "/s", options: ["rw", "rbind"] }],
    "/t",
  );
  assert.deepEqual(
    ops.map(({ op }) => op),
    ["unshare", "mountAttr", "mkdir", "bind", "open"],
  );
});

test("an overlay to write on does not wait for the disk when it goes", () => {
  const op = overlay(["workdir=/s/2/work", "upperdir=/s/2/fs", "lowerdir=/s/1/fs"]);
  assert.ok(op?.op === "mount");
  assert.equal(op.data, "workdir=/s/2/work,upperdir=/s/2/fs,lowerdir=/s/1/fs,volatile");
  assert.equal(op.cwd, undefined);
});

test("a long list of layers is written relative to what they share", () => {
  const lower = Array.from({ length: 200 }, (_, index) => `/var/lib/gantry/containerd/snapshots/${index}/fs`);
  const op = overlay([
    "index=off",
    "workdir=/var/lib/gantry/containerd/snapshots/x/work",
    "upperdir=/var/lib/gantry/containerd/snapshots/x/fs",
    `lowerdir=${lower.join(":")}`,
  ]);
  assert.ok(op?.op === "mount");
  assert.equal(op.cwd, "/var/lib/gantry/containerd/snapshots");
  assert.ok(op.data.startsWith("index=off,workdir=x/work,upperdir=x/fs,lowerdir=0/fs:1/fs:"));
  assert.ok(op.data.length < 4000);
});
