// New limits for a container that runs.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { claimed, isRecord } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { parseBinarySize } from "#formats/units.ts";
import type { CgroupResources } from "#kernel/cgroups/resources.ts";
import type { Resources } from "#spec/oci-runtime.ts";
import { decodeResources } from "#spec/oci-runtime-decode.ts";
import { readDocument } from "./bundle.ts";
import { callerPath } from "./caller.ts";
import { type Given, lastOf } from "./command-line.ts";
import { type ContainerState, statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";
import { updatePlacement } from "./placement.ts";

export async function updateCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const state = deps.containers.get(id);
  const resources = withSwap(await readWishes(deps, given));
  const cache = readCacheWishes(given);
  if (statusOf(state) === "stopped") throw invalid("container not running");
  await updatePlacement({ ...deps, host: deps.runtime.host }, state.placement, resources);
  if (cache.length > 0) writeFileSync(`${rdtGroup(state)}/schemata`, `${cache.join("\n")}\n`);
  deps.containers.save(withResources(state, resources));
  return 0;
}

async function readWishes(deps: Deps, given: Given): Promise<CgroupResources> {
  const path = lastOf(given, "resources") ?? "";
  if (path === "") return await readFlags(deps, given);
  const text =
    path === "-" ? await deps.caller.readInput() : readFileSync(callerPath(deps.caller, path), "utf8");
  // Device rules come along from containerd; they are not changed.
  const { devices: _devices, ...resources } = readDocument(text, decodeResources);
  return resources;
}

type Read = (text: string) => number | undefined;

const readUnsigned: Read = (text) => (/^\d+$/.test(text) ? Number(text) : undefined);
const readSigned: Read = (text) => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined);
const readMemory: Read = (text) => (text === "-1" ? -1 : parseBinarySize(text));

const syntaxFailures = {
  uint: (text: string) => `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
  int: (text: string) => `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
  size: (text: string) => `invalid size: '${text}'`,
} as const;

const numbers = [
  ["cpu", "shares", "cpu-share", readUnsigned, "uint"],
  ["cpu", "quota", "cpu-quota", readSigned, "int"],
  ["cpu", "burst", "cpu-burst", readUnsigned, "uint"],
  ["cpu", "period", "cpu-period", readUnsigned, "uint"],
  ["cpu", "realtimeRuntime", "cpu-rt-runtime", readSigned, "int"],
  ["cpu", "realtimePeriod", "cpu-rt-period", readUnsigned, "uint"],
  ["cpu", "idle", "cpu-idle", readSigned, "int"],
  ["memory", "limit", "memory", readMemory, "size"],
  ["memory", "reservation", "memory-reservation", readMemory, "size"],
  ["memory", "swap", "memory-swap", readMemory, "size"],
] as const;

async function readFlags({ log }: Deps, given: Given): Promise<CgroupResources> {
  if (lastOf(given, "kernel-memory") || lastOf(given, "kernel-memory-tcp"))
    await log.tell("warning", "Kernel memory settings are ignored and will be removed");
  const weight = Number(lastOf(given, "blkio-weight") ?? 0);
  const pids = Number(lastOf(given, "pids-limit") ?? 0);
  return {
    cpu: { ...readNumbers(given, "cpu"), ...readCpuset(given) },
    memory: readNumbers(given, "memory"),
    ...(weight !== 0 && { blockIO: { weight } }),
    ...(pids !== 0 && { pids: { limit: pids } }),
  };
}

function readNumbers(given: Given, part: "cpu" | "memory"): Readonly<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const [holder, field, flag, read, kind] of numbers) {
    const text = lastOf(given, flag) ?? "";
    if (holder !== part || text === "") continue;
    const value = read(text);
    if (value === undefined) throw invalid(`invalid value for ${flag}: ${syntaxFailures[kind](text)}`);
    values[field] = value;
  }
  return values;
}

function readCpuset(given: Given): { readonly cpus?: string; readonly mems?: string } {
  const cpus = lastOf(given, "cpuset-cpus") ?? "";
  const mems = lastOf(given, "cpuset-mems") ?? "";
  return { ...(cpus !== "" && { cpus }), ...(mems !== "" && { mems }) };
}

/** Memory without a limit goes with swap without a limit. */
function withSwap(resources: CgroupResources): CgroupResources {
  const { memory } = resources;
  return memory?.limit === -1 && !memory.swap ? { ...resources, memory: { ...memory, swap: -1 } } : resources;
}

const RESCTRL = "/sys/fs/resctrl";

/** Lines for the group's schemata file. */
function readCacheWishes(given: Given): readonly string[] {
  const cache = lastOf(given, "l3-cache-schema") ?? "";
  const bandwidth = lastOf(given, "mem-bw-schema") ?? "";
  if (cache !== "" && !existsSync(`${RESCTRL}/info/L3`))
    throw invalid("Intel RDT/CAT: l3 cache schema is not enabled");
  if (bandwidth !== "" && !existsSync(`${RESCTRL}/info/MB`))
    throw invalid("Intel RDT/MBA: memory bandwidth schema is not enabled");
  return [cache, bandwidth].filter((line) => line !== "");
}

function rdtGroup({ id, spec }: ContainerState): string {
  const settings: unknown = isRecord(spec.linux) ? claimed<Fields>(spec.linux).intelRdt : undefined;
  const named = isRecord(settings) ? settings.closID : undefined;
  return `${RESCTRL}/${typeof named === "string" && named !== "" ? named : id}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** What was given stands in the state from now on. */
function withResources(state: ContainerState, resources: CgroupResources): ContainerState {
  const { spec } = state;
  const merged = merge(claimed<Fields>(spec.linux?.resources ?? {}), claimed<Fields>(resources));
  return { ...state, spec: { ...spec, linux: { ...spec.linux, resources: claimed<Resources>(merged) } } };
}

const merge = (before: Fields, now: Fields): Fields => ({
  ...before,
  ...Object.fromEntries(
    Object.entries(now).map(([name, value]) => {
      const old = before[name];
      return [name, isRecord(old) && isRecord(value) ? merge(old, value) : value];
    }),
  ),
});
