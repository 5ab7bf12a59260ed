import assert from "node:assert/strict";
import { test } from "node:test";
import type { CgroupResources, CgroupSetting } from "./resources.ts";
import { settingsV1 } from "./settings-v1.ts";
import { settingsV2 } from "./settings-v2.ts";

const text = ({ file, value, optional, repeated }: CgroupSetting): string =>
  `${file}=${value}${optional === true ? " (optional)" : ""}${repeated === true ? " (again)" : ""}`;
const v1 = (resources: CgroupResources) => settingsV1(resources).map(text);
const v2 = (resources: CgroupResources) => settingsV2(resources).map(text);
/** A machine whose block devices are scheduled by BFQ. */
const bfq = { offers: (_: string, file: string) => file.includes("bfq") };

for (const [resources, first, second] of [
  [
    { memory: { limit: 100, swap: 300, reservation: 50 } },
    ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=300", "memory.soft_limit_in_bytes=50"],
    ["memory.swap.max=200", "memory.max=100", "memory.low=50"],
  ],
  [
    { memory: { limit: -1, swap: -1 } },
    ["memory.memsw.limit_in_bytes=-1", "memory.limit_in_bytes=-1"],
    ["memory.swap.max=max (optional)", "memory.max=max"],
  ],
  [
    { memory: { limit: -1 } },
    ["memory.memsw.limit_in_bytes=-1 (optional)", "memory.limit_in_bytes=-1"],
    ["memory.swap.max=max (optional)", "memory.max=max"],
  ],
  [
    { memory: { limit: 100, swap: 100 } },
    ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=100"],
    ["memory.swap.max=0 (optional)", "memory.max=100"],
  ],
  [
    { cpu: { shares: 1024, quota: -1, period: 50_000 } },
    ["cpu.shares=1024", "cpu.cfs_period_us=50000 (again)", "cpu.cfs_quota_us=-1", "cpu.cfs_period_us=50000"],
    ["cpu.weight=100", "cpu.max=max 50000"],
  ],
  [
    { cpu: { quota: 20_000, cpus: "0-1", mems: "0" } },
    ["cpu.cfs_quota_us=20000", "cpuset.cpus=0-1", "cpuset.mems=0"],
    ["cpu.max=20000 100000", "cpuset.cpus=0-1", "cpuset.mems=0"],
  ],
  [
    { cpu: { quota: 20_000, burst: 5000 } },
    [
      "cpu.cfs_burst_us=5000 (optional) (again)",
      "cpu.cfs_quota_us=20000",
      "cpu.cfs_burst_us=5000 (optional)",
    ],
    ["cpu.max.burst=5000 (again)", "cpu.max=20000 100000", "cpu.max.burst=5000"],
  ],
  [{ cpu: { idle: 1 } }, ["cpu.idle=1"], ["cpu.idle=1"]],
  [{ pids: { limit: -1 } }, ["pids.max=max"], ["pids.max=max"]],
  [{ pids: { limit: 7 } }, ["pids.max=7"], ["pids.max=7"]],
  [{ pids: { limit: 0 } }, [], []],
  [
    { blockIO: { weight: 1000, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9 }] } },
    ["blkio.weight=1000", "blkio.throttle.read_bps_device=8:0 9"],
    ["io.weight=10000", "io.max=8:0 rbps=9"],
  ],
  [
    {
      blockIO: {
        weightDevice: [{ major: 8, minor: 0, weight: 10 }],
        throttleWriteBpsDevice: [{ major: 8, minor: 1, rate: 0 }],
        throttleReadIOPSDevice: [{ major: 8, minor: 2, rate: 1 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 3, rate: 2 }],
      },
    },
    [
      "blkio.weight_device=8:0 10",
      "blkio.throttle.write_bps_device=8:1 0",
      "blkio.throttle.read_iops_device=8:2 1",
      "blkio.throttle.write_iops_device=8:3 2",
    ],
    ["io.weight=8:0 1", "io.max=8:1 wbps=max", "io.max=8:2 riops=1", "io.max=8:3 wiops=2"],
  ],
  [
    { hugepageLimits: [{ pageSize: "2MB", limit: 4096 }] },
    ["hugetlb.2MB.limit_in_bytes=4096", "hugetlb.2MB.rsvd.limit_in_bytes=4096 (optional)"],
    ["hugetlb.2MB.max=4096", "hugetlb.2MB.rsvd.max=4096 (optional)"],
  ],
  [
    { rdma: { mlx4_0: { hcaHandles: 2, hcaObjects: 9 }, mlx5_0: { hcaObjects: 1 } } },
    ["rdma.max=mlx4_0 hca_handle=2 hca_object=9", "rdma.max=mlx5_0 hca_object=1"],
    ["rdma.max=mlx4_0 hca_handle=2 hca_object=9", "rdma.max=mlx5_0 hca_object=1"],
  ],
] as const satisfies readonly (readonly [CgroupResources, readonly string[], readonly string[]])[])
  test(`${JSON.stringify(resources)} in the files of both versions`, () => {
    assert.deepEqual(v1(resources), first);
    assert.deepEqual(v2(resources), second);
  });

test("version 1 alone has realtime limits, leaf weights, swappiness, the OOM killer's switch and network classes", () => {
  const resources = {
    memory: { swappiness: 60, disableOOMKiller: true },
    cpu: { realtimePeriod: 1000, realtimeRuntime: 500 },
    blockIO: { leafWeight: 20, weightDevice: [{ major: 8, minor: 0, leafWeight: 30 }] },
    network: { classID: 5, priorities: [{ name: "eth0", priority: 7 }] },
  };
  assert.deepEqual(v1(resources), [
    "memory.oom_control=1",
    "memory.swappiness=60",
    "cpu.rt_period_us=1000 (again)",
    "cpu.rt_runtime_us=500",
    "cpu.rt_period_us=1000",
    "blkio.leaf_weight=20",
    "blkio.leaf_weight_device=8:0 30",
    "net_cls.classid=5",
    "net_prio.ifpriomap=eth0 7",
  ]);
  const messages = {
    "memory swappiness": { memory: { swappiness: 60 } },
    "disabling the OOM killer": { memory: { disableOOMKiller: true } },
    "cpu realtime limits": { cpu: { realtimeRuntime: 5 } },
    "blockIO leafWeight": { blockIO: { leafWeight: 20 } },
    "network class": { network: { classID: 5 } },
    "network priorities": { network: { priorities: [{ name: "eth0", priority: 7 }] } },
  };
  for (const [name, refused] of Object.entries(messages))
    assert.throws(() => v2(refused), { message: `cannot set ${name} with cgroupv2` });
  assert.deepEqual(v2({ memory: { swappiness: -1, disableOOMKiller: false } }), []);
});

test("BFQ takes the weights where it is the scheduler", () => {
  const resources = { blockIO: { weight: 300, weightDevice: [{ major: 8, minor: 0, weight: 200 }] } };
  assert.deepEqual(settingsV1(resources, bfq).map(text), [
    "blkio.bfq.weight=300",
    "blkio.bfq.weight_device=8:0 200",
  ]);
  assert.deepEqual(settingsV2(resources, bfq).map(text), ["io.bfq.weight=300", "io.bfq.weight=8:0 200"]);
});

test("version 1 refuses in runc's words", () => {
  for (const [resources, message] of [
    [{ memory: { swappiness: 101 } }, "invalid memory swappiness value: 101 (valid range is 0-100)"],
    [{ cpu: { shares: 1 } }, "the minimum allowed cpu-shares is 2"],
    [{ cpu: { shares: 1_000_000 } }, "the maximum allowed cpu-shares is 262144"],
    [{ unified: { "memory.high": "1" } }, "invalid configuration: cannot use unified on cgroup v1"],
  ] as const)
    assert.throws(() => v1(resources), { message });
});

test("version 1: memory and swap are raised from the top, lowered from the bottom", () => {
  const files = (limit: number, swap: number, memoryLimit: number) =>
    settingsV1({ memory: { limit, swap } }, { memoryLimit, offers: () => true }).map(({ file }) => file);
  assert.deepEqual(files(500, 900, 100), ["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"]);
  assert.deepEqual(files(50, 80, 100), ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]);
});

const weightOf = (shares: number) => Number(v2({ cpu: { shares } })[0]?.slice("cpu.weight=".length));

test("shares are converted so that the defaults and the ends meet", () => {
  assert.deepEqual([2, 1024, 262_144].map(weightOf), [1, 100, 10_000]);
  for (let shares = 3; shares < 300_000; shares += 997)
    assert.ok(weightOf(shares) >= weightOf(shares - 1), `at ${shares}`);
});

test("version 2: swap is what remains above memory", () => {
  assert.throws(() => v2({ memory: { swap: 100 } }), /unable to set swap limit without memory limit/);
  assert.throws(
    () => v2({ memory: { limit: 200, swap: 100 } }),
    /memory\+swap limit should be >= memory limit/,
  );
  assert.throws(() => v2({ memory: { limit: -5, swap: 100 } }), /invalid memory value: -5/);
  assert.deepEqual(v2({ memory: { limit: -1, swap: 100 } }), ["memory.swap.max=100", "memory.max=max"]);
});

test("unified values are files of the cgroup, a line a write", () => {
  const unified = { "memory.high": "9", "io.max": "8:0 rbps=1\n8:16 rbps=2\n" };
  assert.deepEqual(v2({ unified }), ["memory.high=9", "io.max=8:0 rbps=1", "io.max=8:16 rbps=2"]);
  assert.throws(() => v2({ unified: { "../escape.x": "1" } }), /must be a file name \(no slashes\)/);
  assert.throws(() => v2({ unified: { memory: "1" } }), /must be in the form CONTROLLER.PARAMETER/);
  const facts = { offers: () => true, controllers: ["memory"] };
  assert.throws(() => settingsV2({ unified: { "hugetlb.2MB.max": "1" } }, facts), {
    message: 'unified resource "hugetlb.2MB.max" can\'t be set: controller "hugetlb" not available',
  });
  assert.deepEqual(settingsV2({ unified: { "cgroup.max.depth": "1" } }, facts).map(text), [
    "cgroup.max.depth=1",
  ]);
});
