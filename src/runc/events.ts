// One line of JSON for each event: what the container uses, every so often, and that its memory ran out.

import { setTimeout as delay } from "node:timers/promises";
import { invalid } from "#base/errors.ts";
import { stringifyExactJson } from "#formats/exact-json.ts";
import { parseGoDuration } from "#formats/units.ts";
import { watchOom } from "#kernel/cgroups/oom.ts";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import { readCgroupStats } from "#kernel/cgroups/read-stats.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import { statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";
import { describeStats } from "./describe-stats.ts";
import { cgroupsOf } from "./status.ts";

interface Event {
  readonly type: "stats" | "oom";
  readonly id: string;
  readonly data?: unknown;
}

export async function eventsCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const state = deps.containers.get(id);
  const interval = (parseGoDuration(lastOf(given, "interval") ?? "5s") ?? 0) / 1e6;
  if (interval <= 0) throw invalid("duration interval must be greater than 0");
  if (statusOf(state) === "stopped") throw invalid(`container with id ${id} is not running`);
  const paths = cgroupsOf(deps, state);
  const tell = (event: Event): Promise<void> => deps.caller.write(1, `${stringifyExactJson(event)}\n`);
  const tellStats = () => tell({ type: "stats", id, data: describeStats(readCgroupStats(paths)) });
  if (isOn(given, "stats")) {
    await tellStats();
    return 0;
  }
  await followEvents(deps.signal, paths, {
    oom: () => tell({ type: "oom", id }),
    stats: tellStats,
    interval,
  });
  return 0;
}

interface Tellers {
  oom(): Promise<void>;
  stats(): Promise<void>;
  /** Milliseconds between two calls of `stats`. */
  readonly interval: number;
}

/** Until the container's cgroup is gone. */
async function followEvents(signal: AbortSignal, paths: CgroupPaths, tellers: Tellers): Promise<void> {
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const ticking = tick(ended, tellers);
  try {
    for await (const _ of watchOom({ paths }, ended)) await tellers.oom();
  } finally {
    over.abort();
    await ticking;
  }
}

async function tick(signal: AbortSignal, { stats, interval }: Tellers): Promise<void> {
  while (!signal.aborted) {
    await delay(interval, undefined, { signal }).catch(() => undefined); // the container ended
    if (!signal.aborted) await stats();
  }
}
