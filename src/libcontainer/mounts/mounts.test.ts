import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mount } from "#spec/oci-runtime.ts";
import * as linux from "../linux-flags.table.ts";
import { refuseForbiddenTarget, targetOf } from "./guarded-targets.ts";
import { bindAttributes, parseMountOptions } from "./mount-options.ts";
import { planDevices } from "./plan-devices.ts";
import { planFilesystem } from "./plan-filesystem.ts";
import { planLateReadonly, planMounts } from "./plan-mounts.ts";

const options = (...names: string[]) => parseMountOptions({ destination: "/x", options: names });
const context = {
  cgroup: { v1: [] },
  ownCgroupNamespace: false,
  ownUserNamespace: false,
  trees: new Map(),
  done: new Set<number>(),
};

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

test("options that are known and not served are refused by name", () => {
  for (const name of ["idmap", "tmpcopyup", "remount"]) assert.throws(() => options(name), new RegExp(name));
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
    planMounts([mount], context).map((op) => [
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
    { destination: "/proc", type: "bind", source: "/srv" },
    { destination: "/x/../proc/self/attr", type: "bind", source: "/srv" },
    { destination: "/proc/sys", type: "proc" },
  ];
  for (const mount of refused) assert.throws(() => refuseForbiddenTarget(mount), /mount/);
  refuseForbiddenTarget({ destination: "/proc", type: "proc" });
  refuseForbiddenTarget({ destination: "/proc/cpuinfo", type: "bind", source: "/lxcfs" });
  refuseForbiddenTarget({ destination: "/processes", type: "tmpfs" });
});

test("a read-only tmpfs is writable until the rest is made", () => {
  const mount: Mount = { destination: "/run", type: "tmpfs", source: "tmpfs", options: ["ro", "size=1m"] };
  const mounted = planMounts([mount], context).find(({ op }) => op === "mount");
  assert.equal(mounted?.op === "mount" && mounted.flags, 0);
  assert.equal(planLateReadonly([mount]).length, 1);
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
  const nodes = planDevices(spec, { ownUserNamespace: false, hasKcore: false }).filter(
    (op) => op.op === "mknod" && op.path === "/dev/null",
  );
  assert.equal(nodes.length, 1);
  const bound = planDevices(spec, { ownUserNamespace: true, hasKcore: false });
  assert.ok(!bound.some(({ op }) => op === "mknod"));
  assert.ok(bound.some((op) => op.op === "openTree" && op.source === "/dev/null"));
});

test("a container that brings its own /dev keeps it as it is", () => {
  const mounts: readonly Mount[] = [
    { destination: "/dev", type: "bind", source: "/dev", options: ["rbind"] },
  ];
  assert.deepEqual(
    planDevices({ ociVersion: "1.2.0", mounts }, { ownUserNamespace: false, hasKcore: true }),
    [],
  );
});
