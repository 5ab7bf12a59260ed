// Limits as the files of cgroup version 1, in an order in which each may be written. What runc refuses is refused in its words.

import { invalid } from "#base/errors.ts";
import { blockSettings } from "./block-settings-v1.ts";
import type { CgroupResources, CgroupSetting } from "./resources.ts";
import { around, given, nonZero, optional, setting } from "./setting.ts";
import { cpusetSettings, pidsSettings, rdmaSettings } from "./settings-both.ts";

/** What the settings depend on besides the wish. */
export interface V1Facts {
  /** memory.limit_in_bytes now; missing: a new cgroup, which has none. */
  readonly memoryLimit?: number;
  readonly offers: (controller: string, file: string) => boolean;
}

const newCgroup: V1Facts = { offers: () => true };

export function settingsV1(resources: CgroupResources, facts: V1Facts = newCgroup): readonly CgroupSetting[] {
  if (resources.unified !== undefined && Object.keys(resources.unified).length > 0)
    throw invalid("invalid configuration: cannot use unified on cgroup v1");
  return [
    ...memorySettings(resources.memory, facts),
    ...cpuSettings(resources.cpu),
    ...cpusetSettings(resources.cpu),
    ...pidsSettings(resources.pids),
    ...blockSettings(resources.blockIO, facts.offers),
    ...hugepageSettings(resources.hugepageLimits),
    ...networkSettings(resources.network),
    ...rdmaSettings(resources.rdma),
  ];
}

function memorySettings(
  memory: CgroupResources["memory"],
  { memoryLimit }: V1Facts,
): readonly CgroupSetting[] {
  if (memory === undefined) return [];
  const { swappiness } = memory;
  if (swappiness !== undefined && (swappiness > 100 || swappiness < -1))
    throw invalid(`invalid memory swappiness value: ${swappiness} (valid range is 0-100)`);
  return [
    // Linux 5.11 and later count hierarchically always, and refuse 0.
    ...given("memory", [
      ["memory.use_hierarchy", memory.useHierarchy === undefined ? undefined : Number(memory.useHierarchy)],
    ]),
    ...limitSettings(memory.limit ?? 0, memory.swap ?? 0, memoryLimit),
    ...given("memory", [
      ["memory.soft_limit_in_bytes", nonZero(memory.reservation)],
      ["memory.oom_control", memory.disableOOMKiller === true ? 1 : undefined],
      ["memory.swappiness", swappiness === -1 ? undefined : swappiness],
    ]),
  ];
}

/** The kernel keeps the limit of memory and swap together at or above that of memory at every moment. */
function limitSettings(limit: number, swap: number, current: number | undefined): readonly CgroupSetting[] {
  const memory = given("memory", [["memory.limit_in_bytes", nonZero(limit)]]);
  const both = given("memory", [["memory.memsw.limit_in_bytes", nonZero(swap)]]);
  if (limit === -1 && swap === 0)
    return [...optional([setting("memory", "memory.memsw.limit_in_bytes", -1)]), ...memory];
  const raises = limit !== 0 && (swap === -1 || (current !== undefined && current < swap));
  return raises ? [...both, ...memory] : [...memory, ...both];
}

const smallestShares = 2;
const greatestShares = 262_144;

function cpuSettings(cpu: CgroupResources["cpu"]): readonly CgroupSetting[] {
  if (cpu === undefined) return [];
  const shares = nonZero(cpu.shares);
  // The kernel would take the nearest in silence.
  if (shares !== undefined && shares < smallestShares)
    throw invalid(`the minimum allowed cpu-shares is ${smallestShares}`);
  if (shares !== undefined && shares > greatestShares)
    throw invalid(`the maximum allowed cpu-shares is ${greatestShares}`);
  const period = given("cpu", [["cpu.cfs_period_us", nonZero(cpu.period)]]);
  const burst = optional(given("cpu", [["cpu.cfs_burst_us", cpu.burst]]));
  const quota = given("cpu", [["cpu.cfs_quota_us", nonZero(cpu.quota)]]);
  const realtime = given("cpu", [["cpu.rt_runtime_us", nonZero(cpu.realtimeRuntime)]]);
  return [
    ...given("cpu", [["cpu.shares", shares]]),
    ...around([...period, ...burst], quota),
    ...given("cpu", [["cpu.idle", cpu.idle]]),
    ...around(given("cpu", [["cpu.rt_period_us", nonZero(cpu.realtimePeriod)]]), realtime),
  ];
}

const hugepageSettings = (limits: CgroupResources["hugepageLimits"] = []): readonly CgroupSetting[] =>
  limits.flatMap(({ pageSize, limit }) => [
    setting("hugetlb", `hugetlb.${pageSize}.limit_in_bytes`, limit),
    ...optional([setting("hugetlb", `hugetlb.${pageSize}.rsvd.limit_in_bytes`, limit)]),
  ]);

function networkSettings(network: CgroupResources["network"]): readonly CgroupSetting[] {
  if (network === undefined) return [];
  return [
    ...given("net_cls", [["net_cls.classid", nonZero(network.classID)]]),
    ...(network.priorities ?? []).map(({ name, priority }) =>
      setting("net_prio", "net_prio.ifpriomap", `${name} ${priority}`),
    ),
  ];
}
