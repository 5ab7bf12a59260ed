// Limits as properties of a systemd unit (man 5 systemd.resource-control), so that systemd does not set them back when it next writes the
// unit's files. Only what systemd knows: everything is written to the cgroup's files as well.

import type { UnitProperty } from "../systemd/units.ts";
import { containerDevicePolicy } from "./device-rules.ts";
import type { CgroupResources, DeviceRule } from "./resources.ts";
import { swapOf, weightOfShares } from "./settings-v2.ts";
import { count, maskProperties, property, quotaProperties, type SystemdFacts } from "./systemd-property.ts";
import { unifiedProperties } from "./systemd-unified.ts";

export function resourceProperties(resources: CgroupResources, facts: SystemdFacts): readonly UnitProperty[] {
  const { memory, cpu, pids, blockIO, unified } = resources;
  return [
    ...(facts.cgroupVersion === 2 ? memoryV2(memory) : given("MemoryLimit", memory?.limit)),
    ...(facts.cgroupVersion === 2 ? weightV2(cpu, facts) : given("CPUShares", cpu?.shares)),
    ...(facts.cgroupVersion === 1 ? given("BlockIOWeight", blockIO?.weight) : []),
    ...quotaProperties(cpu?.quota ?? 0, cpu?.period ?? 0, facts),
    ...given("TasksMax", pids?.limit),
    ...maskProperties("AllowedCPUs", cpu?.cpus, facts),
    ...maskProperties("AllowedMemoryNodes", cpu?.mems, facts),
    ...(facts.cgroupVersion === 2 ? unifiedProperties(unified ?? {}, facts) : []),
  ];
}

const given = (name: string, value: number | undefined): readonly UnitProperty[] =>
  value === undefined || value === 0 ? [] : [count(name, value)];

function memoryV2(memory: CgroupResources["memory"]): readonly UnitProperty[] {
  if (memory === undefined) return [];
  const swap = swapOf(memory.limit ?? 0, memory.swap ?? 0);
  return [
    ...given("MemoryMax", memory.limit),
    ...given("MemoryLow", memory.reservation),
    ...(swap === undefined ? [] : [count("MemorySwapMax", swap === "max" ? -1 : Number(swap))]),
  ];
}

/** systemd sets cpu.idle for a weight of 0. */
function weightV2(cpu: CgroupResources["cpu"], { systemdVersion }: SystemdFacts): readonly UnitProperty[] {
  if (cpu?.idle === 1 && systemdVersion >= 252) return [count("CPUWeight", 0)];
  return cpu?.shares ? [count("CPUWeight", weightOfShares(cpu.shares))] : [];
}

/** systemd knows lists of what is allowed only: where all is allowed but some, our own program alone decides. */
export function deviceProperties(rules: readonly DeviceRule[] = []): readonly UnitProperty[] {
  const { allow, exceptions } = containerDevicePolicy(rules);
  const list = allow
    ? []
    : exceptions.flatMap(({ type, major, minor, access }) => {
        const path = devicePath(type, major, minor);
        return path === undefined ? [] : [[path, access]];
      });
  return [
    property("DeviceAllow", "a(ss)", []), // forgets what the unit had
    property("DevicePolicy", "s", allow ? "auto" : "strict"),
    ...(list.length === 0 ? [] : [property("DeviceAllow", "a(ss)", list)]),
  ];
}

/** Undefined for what systemd cannot say: any major number with a certain minor. */
function devicePath(type: "c" | "b", major: number, minor: number): string | undefined {
  const kind = type === "b" ? "block" : "char";
  if (major < 0) return minor < 0 ? `${kind}-*` : undefined;
  return minor < 0 ? `${kind}-${major}` : `/dev/${kind}/${major}:${minor}`;
}
