// New limits for a cgroup that is in use.

import { readFile } from "node:fs/promises";
import type { Plan } from "../plan/ops.ts";
import { type CgroupPaths, findController } from "./paths.ts";
import { planSettings } from "./plan-cgroup.ts";
import type { CgroupResources } from "./resources.ts";

/** What the limit of memory and swap together is now: version 1 keeps it above that of memory at every moment. */
export async function readSwapLimit(paths: CgroupPaths): Promise<number | undefined> {
  const directory = findController(paths, "memory");
  if (directory === undefined || paths.v2 !== undefined) return undefined;
  const text = await readFile(`${directory}/memory.memsw.limit_in_bytes`, "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

/** `swapLimit`: what readSwapLimit has found. */
export function planUpdate(
  paths: CgroupPaths,
  resources: CgroupResources,
  swapLimit: number | undefined,
): Plan {
  const limit = resources.memory?.limit ?? 0;
  const swap = resources.memory?.swap ?? 0;
  const raisesSwapFirst = swapLimit !== undefined && (limit === -1 || limit > swapLimit) && swap !== 0;
  if (!raisesSwapFirst) return planSettings(paths, resources);
  const { limit: _limit, swap: _swap, ...rest } = resources.memory ?? {};
  return [
    ...planSettings(paths, { memory: { swap } }),
    ...planSettings(paths, { memory: { limit } }),
    ...planSettings(paths, { ...resources, memory: rest }),
  ];
}
