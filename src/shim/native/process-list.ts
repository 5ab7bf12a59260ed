// Shims among the machine's processes: `gantry-exec shim ID DIRECTORY`.

import { readdir, readFile } from "node:fs/promises";

/** Pids of the shims that serve this state directory; a directory has one at most, but a forked child may not have exec'ed yet. */
export async function findShimPids(id: string, stateDir: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    // One after the other: the pool of threads is for requests, and nobody is in a hurry here.
    const commandLine = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (isShimOf(commandLine, id, stateDir)) found.push(Number(name));
  }
  return found;
}

export function isShimOf(commandLine: string, id: string, stateDir: string): boolean {
  const [, role, ...rest] = commandLine.split("\0");
  return role === "shim" && rest[0] === id && rest[1] === stateDir;
}
