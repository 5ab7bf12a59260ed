// Limits and device rules of a container's cgroup.

import { invalid } from "#base/errors.ts";
import type { ContainerResources } from "#spec/container-config.ts";
import type { Resources } from "#spec/oci-runtime.ts";

type DeviceRule = NonNullable<Resources["devices"]>[number];

const allow = (type: "c" | "b", major: number, minor: number): DeviceRule => ({
  allow: true,
  type,
  major,
  minor,
  access: "rwm",
});

const defaultDeviceRules: readonly DeviceRule[] = [
  { allow: false, access: "rwm" },
  allow("c", 1, 5),
  allow("c", 1, 3),
  allow("c", 1, 9),
  allow("c", 1, 8),
  allow("c", 5, 0),
  allow("c", 5, 1),
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
];

export function planDeviceRules(
  privileged: boolean,
  granted: readonly DeviceRule[],
  userRules: readonly string[],
): readonly DeviceRule[] {
  if (privileged) return [{ allow: true, access: "rwm" }];
  return [...defaultDeviceRules, ...granted, ...userRules.map(parseDeviceRule)];
}

/** --device-cgroup-rule: "c 42:* rmw". */
function parseDeviceRule(text: string): DeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw invalid(`invalid device cgroup rule format: '${text}'`);
  const [, type = "a", major = "*", minor = "*", access = ""] = match;
  return {
    allow: true,
    type,
    ...(major !== "*" && { major: Number(major) }),
    ...(minor !== "*" && { minor: Number(minor) }),
    access,
  };
}

export type ResourceLimits = Omit<Resources, "devices">;

/** `limits` of a new container, or only what an update changes. */
export function planResources(limits: Partial<ContainerResources>): ResourceLimits {
  const memory = definedOnly({
    limit: positive(limits.Memory),
    reservation: positive(limits.MemoryReservation),
    swap: limits.MemorySwap === 0 ? undefined : limits.MemorySwap,
    swappiness: limits.MemorySwappiness ?? undefined,
    disableOOMKiller: limits.OomKillDisable === true ? true : undefined,
  });
  const cpu = definedOnly({
    shares: positive(limits.CpuShares),
    ...cpuTime(limits),
    realtimePeriod: positive(limits.CpuRealtimePeriod),
    realtimeRuntime: positive(limits.CpuRealtimeRuntime),
    cpus: limits.CpusetCpus || undefined,
    mems: limits.CpusetMems || undefined,
  });
  const weight = positive(limits.BlkioWeight);
  const { PidsLimit: most = null } = limits;
  const pids = most === null ? undefined : most || UNLIMITED;
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pids !== undefined && { pids: { limit: pids } }),
    ...(weight !== undefined && { blockIO: { weight } }),
  };
}

const CPU_PERIOD = 100_000;
const UNLIMITED = -1;

function cpuTime(limits: Partial<ContainerResources>): {
  period: number | undefined;
  quota: number | undefined;
} {
  const nano = limits.NanoCpus ?? 0;
  if (nano > 0) return { period: CPU_PERIOD, quota: Math.round((nano * CPU_PERIOD) / 1e9) };
  const quota = limits.CpuQuota;
  return { period: positive(limits.CpuPeriod), quota: quota === 0 ? undefined : quota };
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && value > 0 ? value : undefined;

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function definedOnly<T extends object>(value: T): Defined<T> {
  const result: Defined<T> = {};
  for (const key in value) {
    const field = value[key];
    if (isDefined(field)) result[key] = field;
  }
  return result;
}

const isDefined = <T>(value: T): value is Exclude<T, undefined> => value !== undefined;
