// Limits as the files of cgroup version 1, in an order in which each may be written to a new cgroup.

import type { CgroupResources, CgroupSetting } from "./resources.ts";

export function settingsV1(resources: CgroupResources): readonly CgroupSetting[] {
  return [
    ...memorySettings(resources.memory),
    ...cpuSettings(resources.cpu),
    ...pidsSettings(resources.pids),
    ...blockSettings(resources.blockIO),
    ...(resources.hugepageLimits ?? []).map(({ pageSize, limit }) =>
      setting("hugetlb", `hugetlb.${pageSize}.limit_in_bytes`, limit),
    ),
    ...networkSettings(resources.network),
  ];
}

const setting = (controller: string, file: string, value: number | string): CgroupSetting => ({
  controller,
  file,
  value: String(value),
});

type Wish = readonly [file: string, value: number | string | undefined];

const given = (controller: string, wishes: readonly Wish[]): readonly CgroupSetting[] =>
  wishes.flatMap(([file, value]) => (value === undefined ? [] : [setting(controller, file, value)]));

/** 0 is "not given" in the specification's Go ancestry. */
const nonZero = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

function memorySettings(memory: CgroupResources["memory"]): readonly CgroupSetting[] {
  if (memory === undefined) return [];
  return given("memory", [
    ["memory.limit_in_bytes", nonZero(memory.limit)],
    ["memory.memsw.limit_in_bytes", nonZero(memory.swap)],
    ["memory.soft_limit_in_bytes", nonZero(memory.reservation)],
    ["memory.swappiness", memory.swappiness],
    ["memory.oom_control", memory.disableOOMKiller === true ? 1 : undefined],
  ]);
}

function cpuSettings(cpu: CgroupResources["cpu"]): readonly CgroupSetting[] {
  if (cpu === undefined) return [];
  return [
    ...given("cpu", [
      ["cpu.idle", cpu.idle],
      ["cpu.shares", nonZero(cpu.shares)],
      ["cpu.rt_period_us", nonZero(cpu.realtimePeriod)],
      ["cpu.rt_runtime_us", nonZero(cpu.realtimeRuntime)],
      ["cpu.cfs_period_us", nonZero(cpu.period)],
      ["cpu.cfs_quota_us", nonZero(cpu.quota)],
      ["cpu.cfs_burst_us", cpu.burst],
    ]),
    ...given("cpuset", [
      ["cpuset.cpus", cpu.cpus || undefined],
      ["cpuset.mems", cpu.mems || undefined],
    ]),
  ];
}

const pidsSettings = (pids: CgroupResources["pids"]): readonly CgroupSetting[] =>
  pids === undefined || pids.limit === 0
    ? []
    : [setting("pids", "pids.max", pids.limit > 0 ? pids.limit : "max")];

const throttleFiles = {
  throttleReadBpsDevice: "blkio.throttle.read_bps_device",
  throttleWriteBpsDevice: "blkio.throttle.write_bps_device",
  throttleReadIOPSDevice: "blkio.throttle.read_iops_device",
  throttleWriteIOPSDevice: "blkio.throttle.write_iops_device",
} as const;
const throttleKinds = [
  "throttleReadBpsDevice",
  "throttleWriteBpsDevice",
  "throttleReadIOPSDevice",
  "throttleWriteIOPSDevice",
] as const;

function blockSettings(block: CgroupResources["blockIO"]): readonly CgroupSetting[] {
  if (block === undefined) return [];
  const devices = (block.weightDevice ?? []).flatMap(({ major, minor, weight, leafWeight }) =>
    given("blkio", [
      ["blkio.weight_device", weight === undefined ? undefined : `${major}:${minor} ${weight}`],
      ["blkio.leaf_weight_device", leafWeight === undefined ? undefined : `${major}:${minor} ${leafWeight}`],
    ]),
  );
  const rates = throttleKinds.flatMap((kind) =>
    (block[kind] ?? []).map(({ major, minor, rate }) =>
      setting("blkio", throttleFiles[kind], `${major}:${minor} ${rate}`),
    ),
  );
  return [
    ...given("blkio", [
      ["blkio.weight", nonZero(block.weight)],
      ["blkio.leaf_weight", nonZero(block.leafWeight)],
    ]),
    ...devices,
    ...rates,
  ];
}

function networkSettings(network: CgroupResources["network"]): readonly CgroupSetting[] {
  if (network === undefined) return [];
  return [
    ...given("net_cls", [["net_cls.classid", nonZero(network.classID)]]),
    ...(network.priorities ?? []).map(({ name, priority }) =>
      setting("net_prio", "net_prio.ifpriomap", `${name} ${priority}`),
    ),
  ];
}
