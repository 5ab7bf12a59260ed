// New limits for a cgroup that is in use. Only the fields that are given change; devices stay as they are (runc's `update` does not
// touch them either, though containerd sends them along).

import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { wordsOf } from "#base/errno-words.ts";
import { invalid, systemError } from "#base/errors.ts";
import { type CgroupPaths, findController, getController } from "./paths.ts";
import { parseCount, readFileIn } from "./read-files.ts";
import type { CgroupResources, CgroupSetting } from "./resources.ts";
import { settingsV1 } from "./settings-v1.ts";
import { settingsV2 } from "./settings-v2.ts";

/** All or nothing: when a value is refused those written before it are set back. Synchronous: the kernel takes microseconds. */
export function updateCgroup(paths: CgroupPaths, resources: CgroupResources): void {
  const undo: (() => void)[] = [];
  try {
    for (const setting of planUpdate(paths, resources)) undo.push(apply(paths, setting));
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** The values in the order in which they are written. */
export function planUpdate(paths: CgroupPaths, resources: CgroupResources): readonly CgroupSetting[] {
  const offers = (controller: string, file: string): boolean =>
    existsSync(`${findController(paths, controller)}/${file}`);
  const filled = fillCpuTime(paths, resources);
  if (paths.v2 === undefined) {
    const memoryLimit = readNumber(paths, "memory", "memory.limit_in_bytes");
    return settingsV1(filled, { offers, ...(memoryLimit !== undefined && { memoryLimit }) });
  }
  if (resources.memory?.checkBeforeUpdate === true) refuseBelowUsage(paths, resources.memory);
  const controllers = readFileIn(paths.v2.directory, "cgroup.controllers").split(/\s+/).filter(Boolean);
  return settingsV2(filled, { offers, controllers });
}

/** Version 2 takes quota and period in one file: what is not given stays. */
function fillCpuTime(paths: CgroupPaths, resources: CgroupResources): CgroupResources {
  const { cpu } = resources;
  if (paths.v2 === undefined || cpu === undefined) return resources;
  if (Boolean(cpu.quota) === Boolean(cpu.period)) return resources;
  const [quota = "max", period = "100000"] = readFileIn(paths.v2.directory, "cpu.max").trim().split(" ");
  const now = { quota: quota === "max" ? -1 : Number(quota), period: Number(period) };
  return {
    ...resources,
    cpu: { ...cpu, quota: cpu.quota || now.quota, period: cpu.period || now.period },
  };
}

function refuseBelowUsage(paths: CgroupPaths, { limit, swap }: NonNullable<CgroupResources["memory"]>): void {
  const usage = readNumber(paths, "memory", "memory.current") ?? 0;
  if (swap !== undefined && swap > 0 && swap <= usage)
    throw invalid(`rejecting memory+swap limit ${swap} <= usage ${usage}`);
  if (limit !== undefined && limit > 0 && limit <= usage)
    throw invalid(`rejecting memory limit ${limit} <= usage ${usage}`);
}

function readNumber(paths: CgroupPaths, controller: string, file: string): number | undefined {
  const text = readFileIn(findController(paths, controller), file);
  return text === "" ? undefined : Number(parseCount(text));
}

/** Never makes a file: what the kernel lacks is told as missing. */
function write(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

const nothing = (): void => {};

/** Returns what sets the file back. */
function apply(paths: CgroupPaths, setting: CgroupSetting): () => void {
  const directory = getController(paths, setting.controller);
  const path = `${directory}/${setting.file}`;
  if (setting.optional === true && !existsSync(path)) return nothing;
  const before = readFileIn(directory, setting.file).trim();
  try {
    write(path, setting.value);
  } catch (error) {
    if (setting.repeated === true) return nothing;
    throw refusal(directory, setting, error);
  }
  return () => setBack(path, before);
}

/** Files with a line for each device tell more than what was written, and cannot be written back at once. */
function setBack(path: string, before: string): void {
  if (before === "" || before.includes("\n") || before.includes(":")) return;
  try {
    write(path, before);
  } catch {
    // the failure that is reported says more
  }
}

function refusal(directory: string, { file, value }: CgroupSetting, cause: unknown): Error {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  if (code === "EBUSY" && file === "memory.limit_in_bytes") {
    const now = parseCount(readFileIn(directory, "memory.usage_in_bytes"));
    const peak = parseCount(readFileIn(directory, "memory.max_usage_in_bytes"));
    const usage = `(current usage: ${now}, peak usage: ${peak})`;
    return systemError(`unable to set memory limit to ${value} ${usage}`, { cause });
  }
  const path = `${directory}/${file}`;
  if (code === "ENOENT") return systemError(`open ${path}: no such file or directory`, { cause });
  return systemError(`failed to write ${JSON.stringify(value)}: write ${path}: ${wordsOf(code)}`, { cause });
}
