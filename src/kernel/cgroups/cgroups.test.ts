import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseMountInfo } from "../mountinfo/parse-mountinfo.ts";
import { readCgroupPids, removeCgroups, setFrozen } from "./control.ts";
import { detectCgroups, isUnified } from "./layout.ts";
import { cgroupPaths, findController } from "./paths.ts";
import { planCgroup, type planJoin, planRemove, planSettings } from "./plan-cgroup.ts";
import { planUpdate } from "./plan-update.ts";
import type { CgroupResources } from "./resources.ts";
import { settingsV1 } from "./settings-v1.ts";
import { settingsV2 } from "./settings-v2.ts";

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
  ]);
});

test("only the cgroup itself is removed", () => {
  assert.deepEqual(texts(planRemove(cgroupPaths(unified, "/docker/x"))), ["rmdir /sys/fs/cgroup/docker/x"]);
});

test("a limit of a controller that is not mounted is an error, not a silence", () => {
  assert.throws(
    () => planSettings(cgroupPaths(hybrid, "/x"), { pids: { limit: 1 } }),
    /"pids" is not mounted/,
  );
});

const v1 = (resources: CgroupResources) => settingsV1(resources).map(({ file, value }) => `${file}=${value}`);
const v2 = (resources: CgroupResources) => settingsV2(resources).map(({ file, value }) => `${file}=${value}`);

for (const [resources, first, second] of [
  [
    { memory: { limit: 100, swap: 300, reservation: 50 } },
    ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=300", "memory.soft_limit_in_bytes=50"],
    ["memory.swap.max=200", "memory.max=100", "memory.low=50"],
  ],
  [
    { memory: { limit: -1, swap: -1 } },
    ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"],
    ["memory.swap.max=max", "memory.max=max"],
  ],
  [
    { cpu: { shares: 1024, quota: -1, period: 50_000 } },
    ["cpu.shares=1024", "cpu.cfs_period_us=50000", "cpu.cfs_quota_us=-1"],
    ["cpu.weight=100", "cpu.max=max 50000"],
  ],
  [
    { cpu: { quota: 20_000, cpus: "0-1", mems: "0" } },
    ["cpu.cfs_quota_us=20000", "cpuset.cpus=0-1", "cpuset.mems=0"],
    ["cpu.max=20000 100000", "cpuset.cpus=0-1", "cpuset.mems=0"],
  ],
  [{ pids: { limit: -1 } }, ["pids.max=max"], ["pids.max=max"]],
  [{ pids: { limit: 7 } }, ["pids.max=7"], ["pids.max=7"]],
  [
    { blockIO: { weight: 1000, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9 }] } },
    ["blkio.weight=1000", "blkio.throttle.read_bps_device=8:0 9"],
    ["io.weight=10000", "io.max=8:0 rbps=9"],
  ],
  [
    { hugepageLimits: [{ pageSize: "2MB", limit: 4096 }] },
    ["hugetlb.2MB.limit_in_bytes=4096"],
    ["hugetlb.2MB.max=4096"],
  ],
] as const satisfies readonly (readonly [CgroupResources, readonly string[], readonly string[]])[])
  test(`${JSON.stringify(resources)} in the files of both versions`, () => {
    assert.deepEqual(v1(resources), first);
    assert.deepEqual(v2(resources), second);
  });

const weightOf = (shares: number) => Number(v2({ cpu: { shares } })[0]?.slice("cpu.weight=".length));

test("shares are converted so that the defaults and the ends meet", () => {
  assert.deepEqual([2, 1024, 262_144].map(weightOf), [1, 100, 10_000]);
  for (let shares = 3; shares < 300_000; shares += 997)
    assert.ok(weightOf(shares) >= weightOf(shares - 1), `at ${shares}`);
});

test("version 2 refuses what it cannot do", () => {
  assert.throws(() => v2({ memory: { swap: 100 } }), /without memory limit/);
  assert.throws(() => v2({ memory: { limit: 200, swap: 100 } }), />= memory limit/);
  assert.throws(() => v2({ cpu: { realtimeRuntime: 5 } }), /realtime/);
  assert.throws(() => v2({ network: { classID: 5 } }), /network class/);
  assert.throws(() => v2({ unified: { "../escape.x": "1" } }), /file name/);
});

test("an update raises memory and swap together first when memory would pass it", () => {
  const paths = cgroupPaths(hybrid, "/x");
  const files = (limit: number, swap: number, current: number) =>
    texts(planUpdate(paths, { memory: { limit, swap } }, current)).map((text) =>
      text.replace(/^.*\/memory\./, ""),
    );
  assert.deepEqual(files(500, 900, 100), ["memsw.limit_in_bytes = 900", "limit_in_bytes = 500"]);
  assert.deepEqual(files(50, 80, 100), ["limit_in_bytes = 50", "memsw.limit_in_bytes = 80"]);
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
