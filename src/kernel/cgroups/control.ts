// What is done to the cgroup of a running container from outside.

import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { systemError } from "#base/errors.ts";
import { allDirectories, ancestry, type CgroupPaths, findController } from "./paths.ts";

const code = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** Host pids of every process in the cgroup and in those that the container has made below it. Whoever kills what is listed must not
 *  hit the machine's own processes: of a hierarchy's root, or the cgroup that this process is in, none is told. */
export async function readCgroupPids(paths: CgroupPaths): Promise<readonly number[]> {
  const directory = findController(paths, "pids") ?? allDirectories(paths)[0];
  if (directory === undefined || isRoot(paths)) return [];
  const pids = await readPidsBelow(directory);
  return pids.includes(process.pid) ? [] : pids;
}

const isRoot = ({ v1, v2 }: CgroupPaths): boolean =>
  [...v1, ...(v2 === undefined ? [] : [v2])].some(
    ({ mountPoint, directory }) => ancestry(mountPoint, directory).length === 0,
  );

async function readPidsBelow(directory: string): Promise<readonly number[]> {
  const text = await readFile(`${directory}/cgroup.procs`, "utf8").catch(() => "");
  const own = text.split("\n").filter(Boolean).map(Number);
  const others = await Promise.all((await listBelow(directory)).map(readPidsBelow));
  return [...own, ...others.flat()];
}

/** The cgroups directly below one; none if it is gone. */
async function listBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`);
}

/** Sends SIGKILL to what still runs in the cgroup, frozen or not. */
export async function killCgroup(paths: CgroupPaths): Promise<void> {
  const pids = await readCgroupPids(paths);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended meanwhile
    }
  }
  if (pids.length > 0) await setFrozen(paths, false).catch(() => undefined); // not every machine has a freezer
}

const frozenState: Readonly<Record<string, readonly [set: string, reached: string]>> = {
  "v1 true": ["FROZEN", "FROZEN"],
  "v1 false": ["THAWED", "THAWED"],
  "v2 true": ["1", "frozen 1"],
  "v2 false": ["0", "frozen 0"],
};

/** Freezes or thaws every process; resolves when that is so. What cannot be frozen is left thawed. */
export async function setFrozen(paths: CgroupPaths, frozen: boolean, attempts = 1000): Promise<void> {
  const version = paths.v2 === undefined ? "v1" : "v2";
  const directory = findController(paths, "freezer");
  const [set = "", reached = ""] = frozenState[`${version} ${frozen}`] ?? [];
  if (directory === undefined) throw systemError("the freezer cgroup is not mounted");
  const control = `${directory}/${version === "v1" ? "freezer.state" : "cgroup.freeze"}`;
  const state = version === "v1" ? control : `${directory}/cgroup.events`;
  // A process that is being forked can hold up the first attempt: the kernel asks to write again.
  for (let attempt = 0; attempt < attempts; attempt++) {
    await writeFile(control, set);
    if ((await readFile(state, "utf8")).includes(reached)) return;
    await delay(1);
  }
  if (frozen) await setFrozen(paths, false);
  throw systemError(frozen ? "unable to freeze" : "unable to thaw");
}

/** Removes the directories and the cgroups that the container has made below them; waits while tasks that are exiting still count.
 *  Idempotent. */
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
      if (!["EBUSY", "ENOTEMPTY"].includes(code(error)) || wait === 100) throw error;
    }
    const below = await listBelow(directory);
    if (below.length > 0) await Promise.all(below.map(removeDirectory));
    else await delay(wait);
  }
}
