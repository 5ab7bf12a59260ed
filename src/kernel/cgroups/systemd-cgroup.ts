// A container's cgroup as a transient scope of systemd. systemd makes a scope only around a process, so the caller has one ready (`pid`)
// that waits in it until the container's init has joined; the scope lives as long as somebody does.
//
//   openCgroup   StartTransientUnit(pid), wait for the job      then planCgroup(paths): what systemd does not know
//   update       SetUnitProperties                              then updateCgroup(paths)
//   close        StopUnit, wait, ResetFailedUnit                then removeCgroups(paths): what the container made below

import type { Bus } from "../systemd/bus.ts";
import {
  readManagerCgroup,
  readSystemdVersion,
  setUnitProperties,
  startTransientUnit,
  stopUnit,
  type UnitProperty,
} from "../systemd/units.ts";
import { type CgroupLayout, isUnified } from "./layout.ts";
import type { CgroupPaths } from "./paths.ts";
import { removeCgroups } from "./remove.ts";
import type { CgroupResources } from "./resources.ts";
import { annotatedProperties } from "./systemd-annotations.ts";
import { deviceProperties, resourceProperties } from "./systemd-properties.ts";
import { property, roundQuota, type SystemdFacts } from "./systemd-property.ts";
import { type CgroupUnit, isSlice, unitPaths } from "./systemd-unit.ts";
import { updateCgroup } from "./update.ts";

export interface UnitCgroup {
  readonly unit: CgroupUnit;
  readonly paths: CgroupPaths;
}

export interface OpenedUnit extends UnitCgroup {
  /** For planCgroup: with the values that systemd has rounded. */
  readonly resources: CgroupResources;
}

export interface SystemdDeps {
  readonly bus: Bus;
  readonly layout: CgroupLayout;
  /** Whether it is a user's systemd. */
  readonly rootless: boolean;
}

export interface ScopeWish {
  readonly unit: CgroupUnit;
  /** The process around which the scope is made. */
  readonly pid: number;
  readonly resources: CgroupResources;
  readonly annotations?: Readonly<Record<string, string>>;
}

export async function openUnitCgroup(
  { bus, layout, rootless }: SystemdDeps,
  { unit, pid, resources, annotations }: ScopeWish,
  signal: AbortSignal,
): Promise<OpenedUnit> {
  const managerCgroup = rootless ? await readManagerCgroup(bus, signal) : "";
  const paths = unitPaths(layout, unit, managerCgroup);
  const facts = await readFacts(bus, layout, signal);
  const properties = [
    ...unitProperties(unit, facts),
    property("PIDs", "au", [pid]),
    ...(rootless ? [] : deviceProperties(resources.devices)),
    ...resourceProperties(resources, facts),
    ...oomPolicy(resources, facts),
    ...annotatedProperties(annotations),
  ];
  await startTransientUnit(bus, unit.name, properties, signal);
  return { unit, paths, resources: rounded(resources) };
}

export async function updateUnitCgroup(
  { bus, layout }: SystemdDeps,
  { unit, paths }: UnitCgroup,
  resources: CgroupResources,
  signal: AbortSignal,
): Promise<void> {
  const properties = resourceProperties(resources, await readFacts(bus, layout, signal));
  if (properties.length > 0) await setUnitProperties(bus, unit.name, properties, signal);
  updateCgroup(paths, rounded(resources));
}

function rounded(resources: CgroupResources): CgroupResources {
  const { cpu } = resources;
  if (!cpu?.quota) return resources;
  return { ...resources, cpu: { ...cpu, quota: roundQuota(cpu.quota, cpu.period ?? 0) } };
}

/** Ends what runs in the cgroup, too. Idempotent. */
export async function closeUnitCgroup(
  { bus }: Pick<SystemdDeps, "bus">,
  { unit, paths }: UnitCgroup,
  signal: AbortSignal,
): Promise<void> {
  await stopUnit(bus, unit.name, signal);
  await removeCgroups(paths);
}

const readFacts = async (bus: Bus, layout: CgroupLayout, signal: AbortSignal): Promise<SystemdFacts> => ({
  cgroupVersion: isUnified(layout) ? 2 : 1,
  systemdVersion: await readSystemdVersion(bus, signal),
});

function unitProperties(unit: CgroupUnit, { cgroupVersion }: SystemdFacts): readonly UnitProperty[] {
  const on = (name: string): UnitProperty => property(name, "b", true);
  return [
    property("Description", "s", unit.description),
    ...(isSlice(unit)
      ? [property("Wants", "as", [unit.slice])]
      : [property("Slice", "s", unit.slice), on("Delegate")]),
    on("MemoryAccounting"),
    on("CPUAccounting"),
    on(cgroupVersion === 2 ? "IOAccounting" : "BlockIOAccounting"),
    on("TasksAccounting"),
    property("DefaultDependencies", "b", false),
  ];
}

/** Can be told at the creation only. */
function oomPolicy({ unified }: CgroupResources, { systemdVersion }: SystemdFacts): readonly UnitProperty[] {
  const group = unified?.["memory.oom.group"]?.trim();
  if (systemdVersion < 253 || (group !== "0" && group !== "1")) return [];
  return [property("OOMPolicy", "s", group === "1" ? "kill" : "continue")];
}
