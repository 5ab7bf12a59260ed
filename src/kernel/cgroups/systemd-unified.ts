// Files of cgroup version 2 that systemd has a property for.

import { invalid } from "#base/errors.ts";
import type { UnitProperty } from "../systemd/units.ts";
import { count, maskProperties, quotaProperties, type SystemdFacts } from "./systemd-property.ts";

const limits: Readonly<Record<string, string>> = {
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.min": "MemoryMin",
  "memory.max": "MemoryMax",
  "memory.swap.max": "MemorySwapMax",
  "pids.max": "TasksMax",
};
const masks: Readonly<Record<string, string>> = {
  "cpuset.cpus": "AllowedCPUs",
  "cpuset.mems": "AllowedMemoryNodes",
};

export const unifiedProperties = (
  unified: Readonly<Record<string, string>>,
  facts: SystemdFacts,
): readonly UnitProperty[] =>
  Object.entries(unified).flatMap(([file, value]) => propertiesOf(file, value.trim(), facts, unified));

function propertiesOf(
  file: string,
  value: string,
  facts: SystemdFacts,
  unified: Readonly<Record<string, string>>,
): readonly UnitProperty[] {
  const limit = limits[file];
  if (limit !== undefined) return [count(limit, parseLimit(file, value))];
  const mask = masks[file];
  if (mask !== undefined) return maskProperties(mask, value, facts);
  const idle = unified["cpu.idle"]?.trim() === "1" && facts.systemdVersion >= 252;
  if (file === "cpu.idle") return idle ? [count("CPUWeight", 0)] : [];
  if (file === "cpu.weight") return idle ? [] : [count("CPUWeight", parseLimit(file, value))];
  if (file !== "cpu.max") return [];
  const [quota = "", period = "100000", more] = value.split(/\s+/);
  if (more !== undefined) throw invalid(`unified resource "${file}" value invalid: ${JSON.stringify(value)}`);
  return quotaProperties(parseLimit(file, quota), parseLimit(file, period), facts);
}

function parseLimit(file: string, value: string): number {
  if (value === "max") return -1;
  if (!/^\d+$/.test(value))
    throw invalid(`unified resource "${file}" value conversion error: ${JSON.stringify(value)}`);
  // systemd takes no limit of 0 tasks.
  return file === "pids.max" ? Math.max(1, Number(value)) : Number(value);
}
