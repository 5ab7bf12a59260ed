// Processes that the kernel has killed because their cgroup had no memory left.
//
// Version 1 tells of it by an eventfd, which Node cannot make; its counter in memory.oom_control (Linux 4.13) is looked at in an interval
// instead: one small file. Version 2 modifies memory.events and cgroup.events for whoever watches them (inotify), so nothing is polled.

import { existsSync, watch } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type CgroupPaths, findController } from "./paths.ts";
import { parseCounts, readFileIn } from "./read-files.ts";

/** How many processes of the cgroup have been killed so far. */
export function readOomKills(paths: CgroupPaths): number {
  const file = paths.v2 === undefined ? "memory.oom_control" : "memory.events";
  return Number(parseCounts(readFileIn(findController(paths, "memory"), file)).oom_kill ?? 0);
}

export interface OomWatch {
  readonly paths: CgroupPaths;
  /** Milliseconds between two looks, with version 1. */
  readonly interval?: number;
}

/** Yields how many processes have been killed whenever that has grown, from the call on. Ends with the cgroup: when it is removed, with
 *  version 2 already when its last process is gone; and when the signal aborts. */
export async function* watchOom(
  { paths, interval = 250 }: OomWatch,
  signal: AbortSignal,
): AsyncGenerator<number> {
  const directory = findController(paths, "memory");
  if (directory === undefined) return;
  let seen = readOomKills(paths);
  const changes = paths.v2 === undefined ? ticks(interval, signal) : modifications(directory, signal);
  for await (const _ of changes) {
    const gone = paths.v2 === undefined ? !existsSync(directory) : isEmpty(directory);
    const kills = readOomKills(paths);
    if (kills > seen) yield kills;
    seen = Math.max(seen, kills);
    if (gone) return;
  }
}

const isEmpty = (directory: string): boolean =>
  !readFileIn(directory, "cgroup.events").includes("populated 1");

async function* ticks(interval: number, signal: AbortSignal): AsyncGenerator<void> {
  while (!signal.aborted) {
    await delay(interval, undefined, { signal }).catch(() => undefined);
    yield;
  }
}

/** One for the beginning, and one after each time that the files were modified. */
async function* modifications(directory: string, signal: AbortSignal): AsyncGenerator<void> {
  let wake = (): void => {};
  let modified = true;
  const tell = (): void => {
    modified = true;
    wake();
  };
  using undo = new DisposableStack();
  for (const file of ["memory.events", "cgroup.events"]) {
    if (!existsSync(`${directory}/${file}`)) continue;
    const watcher = watch(`${directory}/${file}`, tell);
    watcher.on("error", tell);
    undo.defer(() => watcher.close());
  }
  signal.addEventListener("abort", tell);
  undo.defer(() => signal.removeEventListener("abort", tell));
  while (!signal.aborted) {
    if (!modified) await new Promise<void>((resolve) => (wake = resolve));
    modified = false;
    yield;
  }
}
