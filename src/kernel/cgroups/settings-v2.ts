// Limits as the files of cgroup version 2: runc's conversions from the version 1 units of the specification.

import { invalid, unsupported } from "#base/errors.ts";
import type { CgroupResources, CgroupSetting } from "./resources.ts";

export function settingsV2(resources: CgroupResources): readonly CgroupSetting[] {
  return [
    ...memorySettings(resources.memory),
    ...cpuSettings(resources.cpu),
    ...pidsSettings(resources.pids),
    ...ioSettings(resources.blockIO),
    ...(resources.hugepageLimits ?? []).map(({ pageSize, limit }) => ({
      controller: "hugetlb",
      file: `hugetlb.${pageSize}.max`,
      value: String(limit),
    })),
    ...refuseNetwork(resources.network),
    ...Object.entries(resources.unified ?? {}).map(([file, value]) => unifiedSetting(file, value)),
  ];
}

const orMax = (value: number): string => (value < 0 ? "max" : String(value));

function unifiedSetting(file: string, value: string): CgroupSetting {
  if (file.includes("/") || !file.includes("."))
    throw invalid(`unified resource "${file}" must be a file name`);
  return { controller: file.slice(0, file.indexOf(".")), file, value };
}

function memorySettings(memory: CgroupResources["memory"]): readonly CgroupSetting[] {
  if (memory === undefined) return [];
  const settings: CgroupSetting[] = [];
  const put = (file: string, value: string): void =>
    void settings.push({ controller: "memory", file, value });
  const swap = swapOf(memory.limit ?? 0, memory.swap ?? 0);
  if (swap !== undefined) put("memory.swap.max", swap);
  if (memory.limit) put("memory.max", orMax(memory.limit));
  if (memory.reservation) put("memory.low", orMax(memory.reservation));
  return settings;
}

/** The specification counts memory and swap together, version 2 counts swap alone. */
function swapOf(limit: number, swap: number): string | undefined {
  if (swap === 0) return undefined;
  if (swap === -1) return "max";
  if (limit === 0 || limit === -1) throw invalid("unable to set swap limit without memory limit");
  if (swap < limit) throw invalid("memory+swap limit should be >= memory limit");
  return String(swap - limit);
}

function cpuSettings(cpu: CgroupResources["cpu"]): readonly CgroupSetting[] {
  if (cpu === undefined) return [];
  if (cpu.realtimePeriod || cpu.realtimeRuntime) throw unsupported("cpu realtime limits on cgroup version 2");
  const settings: CgroupSetting[] = [];
  const put = (controller: string, file: string, value: string | number): void =>
    void settings.push({ controller, file, value: String(value) });
  if (cpu.idle !== undefined) put("cpu", "cpu.idle", cpu.idle);
  if (cpu.shares) put("cpu", "cpu.weight", weightOfShares(cpu.shares));
  if (cpu.quota || cpu.period) put("cpu", "cpu.max", cpuMax(cpu.quota ?? 0, cpu.period ?? 0));
  if (cpu.burst !== undefined) put("cpu", "cpu.max.burst", cpu.burst);
  if (cpu.cpus) put("cpuset", "cpuset.cpus", cpu.cpus);
  if (cpu.mems) put("cpuset", "cpuset.mems", cpu.mems);
  return settings;
}

const cpuMax = (quota: number, period: number): string =>
  `${quota > 0 ? quota : "max"} ${period > 0 ? period : 100_000}`;

/** 2 to 262144 onto 1 to 10000 so that 1024, the default of one, becomes 100, the default of the other. */
function weightOfShares(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const exponent = Math.log2(shares);
  return Math.ceil(10 ** ((exponent * exponent + 125 * exponent) / 612 - 7 / 34));
}

const pidsSettings = (pids: CgroupResources["pids"]): readonly CgroupSetting[] =>
  pids === undefined || pids.limit === 0
    ? []
    : [{ controller: "pids", file: "pids.max", value: orMax(pids.limit) }];

const rates = [
  ["throttleReadBpsDevice", "rbps"],
  ["throttleWriteBpsDevice", "wbps"],
  ["throttleReadIOPSDevice", "riops"],
  ["throttleWriteIOPSDevice", "wiops"],
] as const;

function ioSettings(block: CgroupResources["blockIO"]): readonly CgroupSetting[] {
  if (block === undefined) return [];
  if (block.leafWeight || block.weightDevice?.some(({ leafWeight }) => leafWeight))
    throw unsupported("blockIO.leafWeight on cgroup version 2");
  const put = (file: string, value: string): CgroupSetting => ({ controller: "io", file, value });
  return [
    ...(block.weight ? [put("io.weight", String(ioWeight(block.weight)))] : []),
    ...(block.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
      weight ? [put("io.weight", `${major}:${minor} ${ioWeight(weight)}`)] : [],
    ),
    ...rates.flatMap(([kind, key]) =>
      (block[kind] ?? []).map(({ major, minor, rate }) =>
        put("io.max", `${major}:${minor} ${key}=${rate === 0 ? "max" : rate}`),
      ),
    ),
  ];
}

/** 10 to 1000 onto 1 to 10000. */
const ioWeight = (weight: number): number => 1 + Math.floor(((weight - 10) * 9999) / 990);

function refuseNetwork(network: CgroupResources["network"]): readonly CgroupSetting[] {
  if (network?.classID || network?.priorities?.length)
    throw unsupported("network class and priorities on cgroup version 2");
  return [];
}
