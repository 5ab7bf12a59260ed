import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import * as linux from "../linux-flags.table.ts";
import { COVERED_SLOT } from "../slots.ts";
import { withBindSources } from "./bind-sources.ts";
import { planEarlyTrees } from "./early-sources.ts";
import { refuseForbiddenTarget, targetOf } from "./guarded-targets.ts";
import { bindAttributes, parseMountOptions } from "./mount-options.ts";
import { planDevices } from "./plan-devices.ts";
import { planFilesystem } from "./plan-filesystem.ts";
import { findFullMounts, planLeaveHost } from "./plan-leave-host.ts";
import { planLateReadonly, planMounts } from "./plan-mounts.ts";

const options = (...names: string[]) => parseMountOptions({ destination: "/x", options: names });
const context = {
  cgroup: { v1: [] },
  layout: { v1: [] },
  ownCgroupNamespace: false,
  inUserNamespace: false,
  trees: new Map(),
};
const specOf = (...mounts: readonly Mount[]): Spec => ({ ociVersion: "1.2.0", mounts });

test("the last of contradicting options holds", () => {
  assert.equal(options("ro", "rw").flags, 0);
  assert.equal(options("rw", "ro").flags, linux.MS_RDONLY);
  assert.equal(options("suid", "nosuid", "dev").cleared, linux.MS_NODEV);
});

test("what is no option goes to the file system, names of JavaScript too", () => {
  assert.deepEqual(options("size=1m", "constructor", "nosuid", "mode=700").data, [
    "size=1m",
    "constructor",
    "mode=700",
  ]);
});

test("a mapped mount is a bind with both maps, a copied-up one a tmpfs", () => {
  const early = { ownUserNamespace: false, newNetwork: true };
  const bind: Mount = { destination: "/d", type: "bind", source: "/s", options: ["idmap"] };
  assert.throws(() => planEarlyTrees(specOf(bind), early), /both uid and gid mappings/);
  assert.throws(() => planEarlyTrees(specOf({ ...bind, type: "tmpfs" }), early), /only supported for bind/);
  const copied: Mount = { destination: "/d", type: "proc", options: ["tmpcopyup"] };
  assert.throws(() => planMounts(specOf(copied), context), /tmpcopyup/);
});

test("idmap without maps takes the user namespace that is joined", () => {
  const mounts: readonly Mount[] = [{ destination: "/d", type: "bind", source: "/s", options: ["ridmap"] }];
  const joined = { namespaces: [{ type: "user", path: "/proc/7/ns/user" } as const] };
  const early = { ownUserNamespace: true, newNetwork: true };
  const plan = planEarlyTrees({ ...specOf(...mounts), linux: joined }, early);
  assert.ok(plan.some((op) => op.op === "open" && op.path === "/proc/7/ns/user"));
  const mapped = plan.find((op) => op.op === "mountAttr" && op.usernsSlot !== undefined);
  assert.partialDeepStrictEqual(mapped, { set: linux.MOUNT_ATTR_IDMAP, recursive: true, target: "" });
});

test("without pivot_root every whole procfs and sysfs is taken away, but none of the container's own", () => {
  const line = (root: string, point: string, fstype: string): string =>
    `1 0 0:1 ${root} ${point} rw - ${fstype} ${fstype} rw`;
  const full = findFullMounts(
    parseMountInfo(
      [
        line("/", "/proc", "proc"),
        line("/", "/sys", "sysfs"),
        line("/sys", "/other/sys", "proc"),
        line("/", "/bundle/root/proc", "proc"),
        line("/", "/tmp", "tmpfs"),
      ].join("\n"),
    ),
  );
  const plan = planLeaveHost("/bundle/root", full);
  assert.deepEqual(
    plan.flatMap((op) => (op.op === "umount" ? [op.target] : [])),
    ["/proc", "/sys"],
  );
  assert.deepEqual(
    plan.flatMap((op) => (op.op === "attachTree" ? [op.target] : [])),
    ["/proc", "/sys"],
  );
  assert.ok(!plan.some(({ op }) => op === "pivotRoot"));
});

test("a bind takes no options of a file system; its relative source is below the bundle", () => {
  const bind = (source: string, ...names: string[]) =>
    withBindSources(specOf({ destination: "/d", source, options: ["bind", ...names] }), "/bundle");
  assert.throws(
    () => bind("/s", "size=1m"),
    /bind mounts cannot have any filesystem-specific options.*size=1m/,
  );
  assert.equal(bind("data/x").mounts?.[0]?.source, "/bundle/data/x");
  assert.throws(() => bind(""), /needs a source/);
});

test("a bind's flags become mount attributes, its access time as the kernel wants it", () => {
  assert.deepEqual(bindAttributes(options("rbind", "ro", "nosuid")), {
    set: linux.MOUNT_ATTR_RDONLY | linux.MOUNT_ATTR_NOSUID,
    clear: 0,
  });
  assert.deepEqual(bindAttributes(options("bind", "noatime", "rw")), {
    set: linux.MOUNT_ATTR_NOATIME,
    clear: linux.MOUNT_ATTR_ATIME | linux.MOUNT_ATTR_RDONLY,
  });
});

test("recursive options are set on the whole tree before it is attached", () => {
  const mount: Mount = { destination: "/d", type: "bind", source: "/s", options: ["rbind", "rro", "rslave"] };
  assert.deepEqual(
    planMounts(specOf(mount), context).map((op) => [
      op.op,
      ...("set" in op ? [op.set, op.propagation, op.recursive] : []),
    ]),
    [
      ["openTree"],
      ["mountAttr", linux.MOUNT_ATTR_RDONLY, 0, true],
      ["mountAttr", 0, linux.MS_SLAVE, true],
      ["attachTree"],
      ["close"],
    ],
  );
});

test("targets are absolute and without dots", () => {
  assert.equal(targetOf({ destination: "data/../../etc/" }), "/etc");
  assert.equal(targetOf({ destination: "/" }), "/");
});

test("nothing is mounted on the root or in /proc but what is known to be harmless", () => {
  const refused: readonly Mount[] = [
    { destination: "/", type: "tmpfs" },
    { destination: "/proc", type: "tmpfs" },
    { destination: "/proc", type: "tmpfs", source: "/proc" },
    { destination: "/proc", type: "proc", source: "/srv", options: ["bind"] },
    { destination: "/proc", type: "bind", source: "/srv" },
    { destination: "/x/../proc/self/attr", type: "bind", source: "/srv" },
    { destination: "/proc/sys", type: "proc" },
  ];
  for (const mount of refused) assert.throws(() => refuseForbiddenTarget(mount), /mount/);
  refuseForbiddenTarget({ destination: "/proc", type: "proc" });
  refuseForbiddenTarget({ destination: "/proc/cpuinfo", type: "bind", source: "/lxcfs" });
  refuseForbiddenTarget({ destination: "/processes", type: "tmpfs" });
});

test("a read-only tmpfs is writable until what lies in it is made, and otherwise never", () => {
  const run: Mount = { destination: "/run", type: "tmpfs", source: "tmpfs", options: ["ro", "size=1m"] };
  const inside: Mount = { destination: "/run/lock", type: "tmpfs" };
  const becomesReadonly = (spec: Spec) =>
    planMounts(spec, context).filter((op) => op.op === "mountAttr" && op.set === linux.MOUNT_ATTR_RDONLY)
      .length;
  assert.deepEqual([becomesReadonly(specOf(run)), planLateReadonly(specOf(run)).length], [1, 0]);
  const both = specOf(run, inside);
  assert.deepEqual([becomesReadonly(both), planLateReadonly(both).length], [0, 1]);
});

test("nothing is attached to /proc, /sys or /dev through a link of the image", () => {
  for (const type of ["bind", "tmpfs"]) {
    const plan = planMounts(specOf({ destination: "/dev", type, source: "/dev" }), context);
    const opened = plan.find((op) => op.op === "open" && op.path === "/dev");
    assert.ok(opened?.op === "open" && opened.flags & linux.O_NOFOLLOW);
    assert.ok(plan.some((op) => op.op === "attachTree" && op.target === "" && op.root === COVERED_SLOT));
  }
});

test("what mount(2) alone can do is done by it: overlay, long values, remounts", () => {
  const mounts: readonly Mount[] = [
    { destination: "/o", type: "overlay", options: ["lowerdir=/a:/b"] },
    { destination: "/l", type: "tmpfs", options: [`context=${"x".repeat(300)}`] },
    { destination: "/l", type: "tmpfs", options: ["remount", "size=2m"] },
  ];
  const plan = planMounts(specOf(...mounts), context);
  assert.equal(plan.filter(({ op }) => op === "mount").length, 3);
  assert.ok(!plan.some(({ op }) => op === "newMount"));
});

test("in a user namespace without a cgroup namespace the machine's version 2 tree is shown and cannot be written to", () => {
  const v2 = { controllers: [], mountPoint: "/sys/fs/cgroup", own: "/" };
  const cgroup: Mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };
  const layout = { v1: [], v2 };
  const show = (inUserNamespace: boolean, ownCgroupNamespace: boolean) =>
    planMounts(specOf(cgroup), { ...context, layout, inUserNamespace, ownCgroupNamespace });
  assert.deepEqual(
    show(true, false).map((op) => ("set" in op ? op.set : op.op)),
    ["openTree", linux.MOUNT_ATTR_RDONLY, "attachTree", "close"],
  );
  for (const plan of [show(false, false), show(true, true)])
    assert.ok(plan.some((op) => op.op === "newMount" && op.fstype === "cgroup2"));
});

test("long overlay options are written relative to the directory they share", () => {
  const layers = Array.from(
    { length: 100 },
    (_, index) => `/var/lib/gantry/containerd/snapshots/${index + 1000}/fs`,
  );
  const data = [
    "index=off",
    `lowerdir=${layers.join(":")}`,
    "workdir=/var/lib/gantry/containerd/snapshots/1/work",
  ];
  const op = planFilesystem({ why: "", fstype: "overlay", source: "overlay", target: "/", flags: 0, data });
  assert.ok(op.op === "mount" && op.cwd === "/var/lib/gantry/containerd/snapshots");
  assert.ok(op.data.length < 4000);
  assert.match(op.data, /^index=off,lowerdir=1000\/fs:1001\/fs:.*,workdir=1\/work$/);
});

test("a device of the specification replaces the default of that path; in a user namespace the host's is bound", () => {
  const spec = {
    ociVersion: "1.2.0",
    linux: { devices: [{ type: "c" as const, path: "/dev/null", major: 1, minor: 3, fileMode: 0o600 }] },
  };
  const nodes = planDevices(spec, { inUserNamespace: false, hasKcore: false }).filter(
    (op) => op.op === "mknod" && op.path === "/dev/null",
  );
  assert.equal(nodes.length, 1);
  const bound = planDevices(spec, { inUserNamespace: true, hasKcore: false });
  assert.ok(!bound.some(({ op }) => op === "mknod"));
  assert.ok(bound.some((op) => op.op === "openTree" && op.source === "/dev/null"));
});

test("a container that brings its own /dev keeps it as it is", () => {
  const mounts: readonly Mount[] = [
    { destination: "/dev", type: "bind", source: "/dev", options: ["rbind"] },
  ];
  assert.deepEqual(
    planDevices({ ociVersion: "1.2.0", mounts }, { inUserNamespace: false, hasKcore: true }),
    [],
  );
});
