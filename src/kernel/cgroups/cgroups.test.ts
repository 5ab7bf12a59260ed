import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseMountInfo } from "../mountinfo/parse-mountinfo.ts";
import { setFrozen } from "./freezer.ts";
import { detectCgroups, isUnified } from "./layout.ts";
import { cgroupPaths, findController, placeCgroup } from "./paths.ts";
import { planCgroup, type planJoin, planRemove } from "./plan-cgroup.ts";
import { readCgroupPids } from "./processes.ts";
import { removeCgroups } from "./remove.ts";

const hybridMounts = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
36 31 0:32 /deeper /mnt/second rw - cgroup cgroup rw,memory
40 31 0:37 /outer /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`;
const hybridOwn = "4:memory:/process/abc\n2:cpu,cpuacct:/\n9:name=systemd:/outer/me\n0::/\n";
const hybrid = detectCgroups({
  mounts: parseMountInfo(hybridMounts),
  own: hybridOwn,
  v2Controllers: () => "\n",
});
const unified = detectCgroups({
  mounts: parseMountInfo("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"),
  own: "0::/user.slice/me\n",
  v2Controllers: () => "cpuset cpu io memory pids\n",
});

const texts = (plan: ReturnType<typeof planJoin>): readonly string[] =>
  plan.map((op) => {
    if (op.op === "write") return `${op.path} = ${new TextDecoder().decode(op.data)}`;
    return "path" in op ? `${op.op} ${op.path}` : op.op;
  });

test("both versions side by side are told apart, a hierarchy mounted twice counts once", () => {
  assert.deepEqual(hybrid, {
    v1: [
      { controllers: ["cpu", "cpuacct"], mountPoint: "/sys/fs/cgroup/cpu,cpuacct", own: "/" },
      { controllers: ["memory"], mountPoint: "/sys/fs/cgroup/memory", own: "/process/abc" },
      { controllers: ["name=systemd"], mountPoint: "/sys/fs/cgroup/systemd", own: "/me" },
    ],
    v2: { controllers: [], mountPoint: "/sys/fs/cgroup/unified", own: "/" },
  });
  assert.equal(isUnified(hybrid), false);
  assert.equal(isUnified(unified), true);
});

test("an absolute path is below the hierarchy's root, a relative one below the own cgroup", () => {
  const absolute = cgroupPaths(hybrid, "/docker/x");
  assert.equal(findController(absolute, "memory"), "/sys/fs/cgroup/memory/docker/x");
  assert.equal(findController(absolute, "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct/docker/x");
  assert.equal(findController(absolute, "pids"), undefined);
  assert.equal(findController(cgroupPaths(hybrid, "x"), "memory"), "/sys/fs/cgroup/memory/process/abc/x");
  assert.equal(findController(cgroupPaths(unified, "/a/../../../etc"), "pids"), "/sys/fs/cgroup/etc");
});

test("version 2 enables the controllers from the top down", () => {
  const plan = planCgroup(cgroupPaths(unified, "/docker/x"), unified, { pids: { limit: 5 } });
  assert.deepEqual(texts(plan), [
    "/sys/fs/cgroup/cgroup.subtree_control = +cpuset +cpu +io +memory +pids",
    "mkdir /sys/fs/cgroup/docker",
    "/sys/fs/cgroup/docker/cgroup.subtree_control = +cpuset +cpu +io +memory +pids",
    "mkdir /sys/fs/cgroup/docker/x",
    "/sys/fs/cgroup/docker/x/pids.max = 5",
    "bpfDevice /sys/fs/cgroup/docker/x",
  ]);
});

test("only the cgroup itself is removed", () => {
  assert.deepEqual(texts(planRemove(cgroupPaths(unified, "/docker/x"))), ["rmdir /sys/fs/cgroup/docker/x"]);
});

test("a limit of a controller that is not mounted is an error, not a silence", () => {
  assert.throws(
    () => planCgroup(cgroupPaths(hybrid, "/x"), hybrid, { pids: { limit: 1 } }),
    /cannot set pids limit: container could not join or create cgroup/,
  );
});

test("without the right to make a cgroup there is none, and no limit", () => {
  const wish = { path: "", id: "x", rootless: true };
  const nothing = () => ({ writable: false, controllers: [] });
  const [v1, v2] = [placeCgroup(hybrid, wish, nothing), placeCgroup(unified, wish, nothing)];
  assert.deepEqual([v1, v2], [{ v1: [] }, { v1: [] }]);
  assert.deepEqual(planCgroup(v2, unified, {}), []);
  assert.throws(() => planCgroup(v1, hybrid, { memory: { limit: 9 } }), /cannot set memory limit: container/);
  assert.throws(() => planCgroup(v2, unified, { memory: { limit: 9 } }), /rootless needs no limits/);
});

test("a delegated cgroup has the controllers that were delegated", () => {
  const wish = { path: "", id: "x", rootless: true };
  const { v2 } = placeCgroup(unified, wish, () => ({ writable: true, controllers: ["pids"] }));
  assert.deepEqual(v2, {
    mountPoint: "/sys/fs/cgroup",
    directory: "/sys/fs/cgroup/user.slice/x",
    controllers: ["pids"],
  });
});

test("a path that was asked for is not left out", () => {
  const wish = { path: "/y", id: "x", rootless: true };
  const { v1 } = placeCgroup(hybrid, wish, () => ({ writable: false, controllers: [] }));
  assert.equal(v1.length, hybrid.v1.length);
});

test("freezing, listing and removing work on the files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-cgroups-"));
  const layout = {
    v1: ["freezer", "pids"].map((name) => ({
      controllers: [name],
      mountPoint: join(folder, name),
      own: "/",
    })),
  };
  const paths = cgroupPaths(layout, "/docker/x");
  for (const { directory } of paths.v1) mkdirSync(directory, { recursive: true });
  const [freezer = "", pids = ""] = paths.v1.map(({ directory }) => directory);
  writeFileSync(join(freezer, "freezer.state"), "THAWED\n");
  writeFileSync(join(pids, "cgroup.procs"), "12\n345\n");
  await setFrozen(paths, true);
  assert.equal(readFileSync(join(freezer, "freezer.state"), "utf8"), "FROZEN");
  assert.deepEqual(await readCgroupPids(paths), [12, 345]);
  rmSync(join(freezer, "freezer.state")); // the kernel's files do not keep a directory from being removed
  rmSync(join(pids, "cgroup.procs"));
  await removeCgroups(paths);
  await removeCgroups(paths);
  await setFrozen(paths, false); // killed while frozen: it ends at the thaw
  await assert.rejects(setFrozen(paths, true), { code: "ENOENT" });
  assert.deepEqual(await readCgroupPids(paths), []);
  rmSync(folder, { recursive: true });
});

test("cgroups that the container made are listed, and go with its own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-cgroups-"));
  const layout = { v1: [{ controllers: ["pids"], mountPoint: folder, own: "/" }] };
  const paths = cgroupPaths(layout, "/docker/x");
  const inner = join(folder, "docker/x/system/inner");
  mkdirSync(inner, { recursive: true });
  writeFileSync(join(inner, "cgroup.procs"), "7\n");
  assert.deepEqual(await readCgroupPids(paths), [7]);
  rmSync(join(inner, "cgroup.procs"));
  await removeCgroups(paths);
  assert.deepEqual(readdirSync(join(folder, "docker")), []);
  rmSync(folder, { recursive: true });
});

test("the processes of a hierarchy's root are nobody's container", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-cgroups-"));
  const layout = { v1: [{ controllers: ["pids"], mountPoint: folder, own: "/" }] };
  writeFileSync(join(folder, "cgroup.procs"), "1\n");
  assert.deepEqual(await readCgroupPids(cgroupPaths(layout, "/")), []);
  rmSync(folder, { recursive: true });
});

test("a container that cannot be frozen is left thawed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-cgroups-"));
  const paths = cgroupPaths({ v1: [], v2: { controllers: [], mountPoint: folder, own: "/" } }, "/x");
  mkdirSync(join(folder, "x"));
  writeFileSync(join(folder, "x/cgroup.events"), "populated 1\nfrozen 0\n");
  await assert.rejects(setFrozen(paths, true, 2), /unable to freeze/);
  assert.equal(readFileSync(join(folder, "x/cgroup.freeze"), "utf8"), "0");
  rmSync(folder, { recursive: true });
});
