import { existsSync, rmdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { allDirectories, type CgroupPaths } from "./paths.ts";
import { listBelow } from "./processes.ts";

/** Removes the directories and the cgroups that the container has made below them; waits while tasks that are exiting still count, about
 *  as long as runc does: a second. Idempotent. */
export async function removeCgroups(paths: CgroupPaths): Promise<void> {
  await Promise.all(allDirectories(paths).map(removeDirectory));
}

const longestWait = 512;

async function removeDirectory(directory: string): Promise<void> {
  for (let wait = 1; ; wait *= 2) {
    const code = tryRemove(directory);
    if (code === undefined) return;
    const below = await listBelow(directory);
    await Promise.all(below.map(removeDirectory));
    if (below.length === 0) await delay(wait);
    if (wait > longestWait) return rmdirSync(directory);
  }
}

/** The code of a failure that may pass. */
function tryRemove(directory: string): string | undefined {
  try {
    rmdirSync(directory); // a few microseconds, less than the way to a thread and back
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" || (code === "EROFS" && !existsSync(directory))) return undefined;
    if (code === "EBUSY" || code === "ENOTEMPTY") return code;
    throw error;
  }
}
