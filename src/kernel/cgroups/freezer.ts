// Stopping every process of a cgroup and letting it go on.

import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { systemError } from "#base/errors.ts";
import { type CgroupPaths, findController } from "./paths.ts";
import { readFileIn } from "./read-files.ts";

/** Whether the cgroup itself is frozen, or becoming so; one above it does not count. */
export function isFrozen(paths: CgroupPaths): boolean {
  const directory = findController(paths, "freezer");
  if (paths.v2 !== undefined) return readFileIn(directory, "cgroup.freeze").trim() === "1";
  const self = readFileIn(directory, "freezer.self_freezing").trim();
  return self === "" ? /^FR/.test(readFileIn(directory, "freezer.state")) : self === "1";
}

/** Freezes or thaws every process; resolves when that is so. What cannot be frozen is left thawed. */
export async function setFrozen(paths: CgroupPaths, frozen: boolean, attempts = 1000): Promise<void> {
  const directory = findController(paths, "freezer");
  if (directory === undefined)
    throw systemError("cannot toggle freezer: cgroups not configured for container");
  const change = paths.v2 === undefined ? changeV1 : changeV2;
  try {
    if (await change(directory, frozen, attempts)) return;
  } catch (error) {
    // What was killed while it was frozen ends at the thaw, and its group may be removed before we looked.
    if (!frozen && isGone(error)) return;
    throw error;
  }
  if (frozen) await change(directory, false, 1);
  throw systemError(frozen ? "unable to freeze" : "unable to thaw");
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENODEV");

/** A process that is being forked can hold up the first attempt: the kernel asks to write again. Letting all go on now and then helps
 *  against processes that fork without end. */
async function changeV1(directory: string, frozen: boolean, attempts: number): Promise<boolean> {
  const control = `${directory}/freezer.state`;
  const wanted = frozen ? "FROZEN" : "THAWED";
  for (let attempt = 1; attempt <= attempts; attempt++) {
    await writeFile(control, wanted);
    if ((await readFile(control, "utf8")).trim() === wanted) return true;
    if (frozen && attempt % 50 === 0) await writeFile(control, "THAWED");
    await delay(1);
  }
  return false;
}

async function changeV2(directory: string, frozen: boolean, attempts: number): Promise<boolean> {
  await writeFile(`${directory}/cgroup.freeze`, frozen ? "1" : "0");
  const reached = frozen ? "frozen 1" : "frozen 0";
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if ((await readFile(`${directory}/cgroup.events`, "utf8")).includes(reached)) return true;
    await delay(Math.min(attempt, 10));
  }
  return !frozen; // below a frozen cgroup it stays frozen
}
