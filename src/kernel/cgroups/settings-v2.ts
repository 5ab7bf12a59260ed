// Limits as the files of cgroup version 2: runc's conversions from the version 1 units of the specification. What version 2 has no
// file for is refused: runc passes over it in silence.

import { invalid } from "#base/errors.ts";
import type { CgroupResources, CgroupSetting } from "./resources.ts";
import { around, given, nonZero, optional, setting } from "./setting.ts";
import { cpusetSettings, pidsSettings, rdmaSettings } from "./settings-both.ts";

/** What the settings depend on besides the wish. */
export interface V2Facts {
  readonly offers: (controller: string, file: string) => boolean;
  /** Controllers of the machine; missing: not known. */
  readonly controllers?: readonly string[];
}

const anyMachine: V2Facts = { offers: (_, file) => !file.includes("bfq") };

export function settingsV2(
  resources: CgroupResources,
  facts: V2Facts = anyMachine,
): readonly CgroupSetting[] {
  refuseVersion1(resources);
  return [
    ...memorySettings(resources.memory),
    ...cpuSettings(resources.cpu),
    ...cpusetSettings(resources.cpu),
    ...pidsSettings(resources.pids),
    ...ioSettings(resources.blockIO, facts),
    ...hugepageSettings(resources.hugepageLimits),
    ...rdmaSettings(resources.rdma),
    ...Object.entries(resources.unified ?? {}).flatMap(([file, value]) =>
      unifiedSettings(file, value, facts.controllers),
    ),
  ];
}

function refuseVersion1({ memory, cpu, blockIO, network }: CgroupResources): void {
  const wishes: Readonly<Record<string, unknown>> = {
    "memory swappiness": memory?.swappiness !== undefined && memory.swappiness !== -1,
    "memory useHierarchy=false": memory?.useHierarchy === false,
    "disabling the OOM killer": memory?.disableOOMKiller,
    "cpu realtime limits": cpu?.realtimePeriod || cpu?.realtimeRuntime,
    "blockIO leafWeight": blockIO?.leafWeight || blockIO?.weightDevice?.some(({ leafWeight }) => leafWeight),
    "network class": network?.classID,
    "network priorities": network?.priorities?.length,
  };
  const refused = Object.keys(wishes).find((name) => wishes[name]);
  if (refused !== undefined) throw invalid(`cannot set ${refused} with cgroupv2`);
}

const orMax = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : value < 0 ? "max" : String(value);

/** A line is a write. */
function unifiedSettings(
  file: string,
  value: string,
  controllers: readonly string[] | undefined,
): readonly CgroupSetting[] {
  const name = JSON.stringify(file);
  if (file.includes("/")) throw invalid(`unified resource ${name} must be a file name (no slashes)`);
  if (file.indexOf(".") <= 0)
    throw invalid(`unified resource ${name} must be in the form CONTROLLER.PARAMETER`);
  const controller = file.slice(0, file.indexOf("."));
  if (controller !== "cgroup" && controllers?.includes(controller) === false)
    throw invalid(`unified resource ${name} can't be set: controller "${controller}" not available`);
  const lines = value.split("\n").filter((line) => line.trim() !== "");
  return (lines.length === 0 ? [value] : lines).map((line) => setting(controller, file, line));
}

function memorySettings(memory: CgroupResources["memory"]): readonly CgroupSetting[] {
  if (memory === undefined) return [];
  const swap = swapOf(memory.limit ?? 0, memory.swap ?? 0);
  const swapSettings = given("memory", [["memory.swap.max", swap]]);
  return [
    // Without swap there is nothing to forbid or to leave unlimited.
    ...(swap === "max" || swap === "0" ? optional(swapSettings) : swapSettings),
    ...given("memory", [
      ["memory.max", orMax(nonZero(memory.limit))],
      ["memory.low", orMax(nonZero(memory.reservation))],
    ]),
  ];
}

/** The specification counts memory and swap together, version 2 counts swap alone. */
export function swapOf(limit: number, swap: number): string | undefined {
  if (swap === -1 || (limit === -1 && swap === 0)) return "max";
  if (swap === 0) return undefined;
  if (limit === -1) return String(swap);
  if (limit === 0) throw invalid("unable to set swap limit without memory limit");
  if (limit < 0) throw invalid(`invalid memory value: ${limit}`);
  if (swap < limit) throw invalid("memory+swap limit should be >= memory limit");
  return String(swap - limit);
}

function cpuSettings(cpu: CgroupResources["cpu"]): readonly CgroupSetting[] {
  if (cpu === undefined) return [];
  const hasMax = Boolean(cpu.quota || cpu.period);
  return [
    ...given("cpu", [
      ["cpu.idle", cpu.idle],
      ["cpu.weight", cpu.shares ? weightOfShares(cpu.shares) : undefined],
    ]),
    ...around(
      given("cpu", [["cpu.max.burst", cpu.burst]]),
      given("cpu", [["cpu.max", hasMax ? cpuMax(cpu.quota ?? 0, cpu.period ?? 0) : undefined]]),
    ),
  ];
}

const cpuMax = (quota: number, period: number): string =>
  `${quota > 0 ? quota : "max"} ${period > 0 ? period : 100_000}`;

/** 2 to 262144 onto 1 to 10000 so that 1024, the default of one, becomes 100, the default of the other. */
export function weightOfShares(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const exponent = Math.log2(shares);
  return Math.ceil(10 ** ((exponent * exponent + 125 * exponent) / 612 - 7 / 34));
}

const rates = [
  ["throttleReadBpsDevice", "rbps"],
  ["throttleWriteBpsDevice", "wbps"],
  ["throttleReadIOPSDevice", "riops"],
  ["throttleWriteIOPSDevice", "wiops"],
] as const;

/** BFQ's weights are those of the specification; without BFQ the cost model's take their place. */
function ioSettings(block: CgroupResources["blockIO"], { offers }: V2Facts): readonly CgroupSetting[] {
  if (block === undefined) return [];
  const weighted = nonZero(block.weight) !== undefined || (block.weightDevice ?? []).length > 0;
  const bfq = weighted && offers("io", "io.bfq.weight");
  const file = bfq ? "io.bfq.weight" : "io.weight";
  const convert = (weight: number): number => (bfq ? weight : ioWeight(weight));
  return [
    ...given("io", [[file, block.weight ? convert(block.weight) : undefined]]),
    ...(block.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
      weight ? [setting("io", file, `${major}:${minor} ${convert(weight)}`)] : [],
    ),
    ...rates.flatMap(([kind, key]) =>
      (block[kind] ?? []).map(({ major, minor, rate }) =>
        setting("io", "io.max", `${major}:${minor} ${key}=${rate === 0 ? "max" : rate}`),
      ),
    ),
  ];
}

/** 10 to 1000 onto 1 to 10000. */
const ioWeight = (weight: number): number => 1 + Math.floor(((weight - 10) * 9999) / 990);

const hugepageSettings = (limits: CgroupResources["hugepageLimits"] = []): readonly CgroupSetting[] =>
  limits.flatMap(({ pageSize, limit }) => [
    setting("hugetlb", `hugetlb.${pageSize}.max`, limit),
    ...optional([setting("hugetlb", `hugetlb.${pageSize}.rsvd.max`, limit)]),
  ]);
