// What is done to the cgroup of a running container from outside.

import { readFile, rmdir, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { systemError } from "#base/errors.ts";
import { allDirectories, type CgroupPaths, findController } from "./paths.ts";

const code = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** Host pids of every process in the cgroup. */
export async function readCgroupPids(paths: CgroupPaths): Promise<readonly number[]> {
  const directory = findController(paths, "pids") ?? allDirectories(paths)[0];
  if (directory === undefined) return [];
  const text = await readFile(`${directory}/cgroup.procs`, "utf8").catch(() => "");
  return text.split("\n").filter(Boolean).map(Number);
}

const frozenState: Readonly<Record<string, readonly [set: string, reached: string]>> = {
  "v1 true": ["FROZEN", "FROZEN"],
  "v1 false": ["THAWED", "THAWED"],
  "v2 true": ["1", "frozen 1"],
  "v2 false": ["0", "frozen 0"],
};

/** Freezes or thaws every process; resolves when that is so. */
export async function setFrozen(paths: CgroupPaths, frozen: boolean): Promise<void> {
  const version = paths.v2 === undefined ? "v1" : "v2";
  const directory = findController(paths, "freezer");
  const [set = "", reached = ""] = frozenState[`${version} ${frozen}`] ?? [];
  if (directory === undefined) throw systemError("the freezer cgroup is not mounted");
  const control = `${directory}/${version === "v1" ? "freezer.state" : "cgroup.freeze"}`;
  const state = version === "v1" ? control : `${directory}/cgroup.events`;
  // A process that is being forked can hold up the first attempt: the kernel asks to write again.
  for (let attempt = 0; attempt < 1000; attempt++) {
    await writeFile(control, set);
    if ((await readFile(state, "utf8")).includes(reached)) return;
    await delay(1);
  }
  throw systemError("unable to freeze");
}

/** Removes the directories; waits while tasks that are exiting still count. Idempotent. */
export async function removeCgroups(paths: CgroupPaths): Promise<void> {
  await Promise.all(allDirectories(paths).map((directory) => removeDirectory(directory)));
}

async function removeDirectory(directory: string): Promise<void> {
  for (let wait = 1; ; wait = Math.min(wait * 2, 100)) {
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      if (code(error) === "ENOENT") return;
      if (code(error) !== "EBUSY" || wait === 100) throw error;
    }
    await delay(wait);
  }
}
