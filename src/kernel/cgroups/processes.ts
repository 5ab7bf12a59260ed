// The processes of a cgroup, as whoever is outside of it sees them.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { isFrozen, setFrozen } from "./freezer.ts";
import { allDirectories, ancestry, type CgroupPaths, findController } from "./paths.ts";

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
  const text = readPids(directory);
  const own = text.split("\n").filter(Boolean).map(Number);
  const others = await Promise.all((await listBelow(directory)).map(readPidsBelow));
  return [...own, ...others.flat()];
}

/** A threaded cgroup tells its threads only, which can be signalled as well. */
function readPids(directory: string): string {
  try {
    return readFileSync(`${directory}/cgroup.procs`, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) return "";
    return ["ENOTSUP", "EOPNOTSUPP"].includes(String(error.code)) ? readThreads(directory) : "";
  }
}

function readThreads(directory: string): string {
  try {
    return readFileSync(`${directory}/cgroup.threads`, "utf8");
  } catch {
    return "";
  }
}

/** The cgroups directly below one; none if it is gone. */
export async function listBelow(directory: string): Promise<readonly string[]> {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`);
  } catch {
    return [];
  }
}

/** Sends SIGKILL to what still runs in the cgroup, frozen or not: at once by `cgroup.kill` (version 2 since Linux 5.14). */
export async function killCgroup(paths: CgroupPaths): Promise<void> {
  const pids = await readCgroupPids(paths);
  if (pids.length === 0) return;
  const killFile = `${paths.v2?.directory}/cgroup.kill`;
  if (paths.v2 !== undefined && existsSync(killFile)) return await writeFile(killFile, "1");
  await signalCgroup(paths, "SIGKILL");
}

/** Signals every process. Nobody escapes by forking meanwhile: they are frozen for the time, where the machine can. A paused container
 *  stays paused, unless it is killed: the dead cannot leave a frozen cgroup. */
export async function signalCgroup(paths: CgroupPaths, signal: NodeJS.Signals | number): Promise<void> {
  const wasFrozen = isFrozen(paths);
  const canFreeze =
    wasFrozen ||
    (await setFrozen(paths, true).then(
      () => true,
      () => false,
    ));
  for (const pid of await readCgroupPids(paths)) send(pid, signal);
  const stays = wasFrozen && signal !== "SIGKILL" && signal !== 9;
  if (canFreeze && !stays) await thaw(paths);
}

/** Whoever cleans up beside us may have removed it by now. */
async function thaw(paths: CgroupPaths): Promise<void> {
  try {
    await setFrozen(paths, false);
  } catch (error) {
    if (existsSync(findController(paths, "freezer") ?? "")) throw error;
  }
}

function send(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended meanwhile
  }
}
