// Where a container's cgroups are: below the hierarchies' mount points, or in a scope that systemd makes (--systemd-cgroup).

import { type ChildProcess, spawn } from "node:child_process";
import { invalid } from "#base/errors.ts";
import type { CgroupLayout } from "#kernel/cgroups/layout.ts";
import { type CgroupPaths, placeCgroup } from "#kernel/cgroups/paths.ts";
import { killCgroup } from "#kernel/cgroups/processes.ts";
import { removeCgroups } from "#kernel/cgroups/remove.ts";
import type { CgroupResources } from "#kernel/cgroups/resources.ts";
import {
  closeUnitCgroup,
  openUnitCgroup,
  type SystemdDeps,
  updateUnitCgroup,
} from "#kernel/cgroups/systemd-cgroup.ts";
import { type CgroupUnit, parseUnit } from "#kernel/cgroups/systemd-unit.ts";
import { updateCgroup } from "#kernel/cgroups/update.ts";
import type { Bus } from "#kernel/systemd/bus.ts";
import { openSystemd, requireSystemd } from "#kernel/systemd/open-systemd.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";

/** As the state keeps it. */
export interface CgroupRecord {
  /** Missing: a unit whose start was not seen to its end. */
  readonly cgroup?: CgroupPaths;
  readonly unit?: CgroupUnit;
}

export interface PlacementDeps {
  readonly host: HostFacts;
  readonly globals: Given;
  readonly signal: AbortSignal;
}

/** Decides; makes nothing. Throws for what cannot be had here. */
export function choosePlacement(
  { host, globals }: Pick<PlacementDeps, "host" | "globals">,
  id: string,
  spec: Spec,
): CgroupRecord {
  const wish = { path: spec.linux?.cgroupsPath ?? "", id, rootless: isRootless(host, globals) };
  if (isOn(globals, "systemd-cgroup")) {
    requireSystemd();
    return { unit: parseUnit(wish) };
  }
  return { cgroup: placeCgroup(host.cgroups, wish) };
}

/** As runc decides `auto`: whoever is not the machine's root may be forbidden to make cgroups. */
function isRootless({ ids, inUserNamespace }: HostFacts, globals: Given): boolean {
  const given = lastOf(globals, "rootless") ?? "auto";
  if (given === "true" || given === "false") return given === "true";
  if (given !== "auto" && given !== "") throw invalid(`invalid value for rootless: ${given}`);
  return (ids?.uid ?? process.geteuid?.() ?? 0) !== 0 || inUserNamespace === true;
}

/** A cgroup that is ready to be joined. Disposing lets go of what kept it alive so far. */
export interface OpenPlacement extends Disposable {
  readonly record: CgroupRecord;
  readonly resources: CgroupResources;
}

export async function openPlacement(
  deps: PlacementDeps,
  { unit, cgroup }: CgroupRecord,
  spec: Spec,
): Promise<OpenPlacement> {
  const resources = spec.linux?.resources ?? {};
  if (unit === undefined)
    return { record: cgroup === undefined ? {} : { cgroup }, resources, [Symbol.dispose]: () => {} };
  const annotations = spec.annotations ?? {};
  const holder = await startHolder();
  try {
    const opened = await withSystemd(deps, (systemd) =>
      openUnitCgroup(systemd, { unit, pid: holder.pid ?? 0, resources, annotations }, deps.signal),
    );
    const record = { unit, cgroup: opened.paths };
    return { record, resources: opened.resources, [Symbol.dispose]: () => void holder.kill("SIGKILL") };
  } catch (error) {
    holder.kill("SIGKILL");
    throw error;
  }
}

/** A process that systemd can make the scope around; it ends with this program at the latest. */
async function startHolder(): Promise<ChildProcess> {
  const holder = spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });
  await new Promise<void>((resolve, reject) => holder.once("spawn", resolve).once("error", reject));
  return holder;
}

export async function updatePlacement(
  deps: PlacementDeps,
  { unit, cgroup }: CgroupRecord,
  resources: CgroupResources,
): Promise<void> {
  const paths = cgroup ?? { v1: [] };
  if (unit === undefined) return updateCgroup(paths, resources);
  await withSystemd(deps, (systemd) => updateUnitCgroup(systemd, { unit, paths }, resources, deps.signal));
}

/** Ends what runs there. Idempotent. */
export async function closePlacement(deps: PlacementDeps, { unit, cgroup }: CgroupRecord): Promise<void> {
  const paths = cgroup ?? { v1: [] };
  await killCgroup(paths);
  if (unit === undefined) return await removeCgroups(paths);
  await withSystemd(deps, (systemd) => closeUnitCgroup(systemd, { unit, paths }, deps.signal));
}

async function withSystemd<T>(
  { host, globals, signal }: PlacementDeps,
  work: (systemd: SystemdDeps) => Promise<T>,
): Promise<T> {
  const uid = host.ids?.uid ?? 0;
  using bus: Bus = await openSystemd({ uid, environment: process.env }, signal);
  const layout: CgroupLayout = host.cgroups;
  return await work({ bus, layout, rootless: isRootless(host, globals) && uid !== 0 });
}
