// Memory of running processes, from the kernel's own accounting.

import { readdirSync, readFileSync } from "node:fs";

export interface Memory {
  /** KiB resident. */
  readonly resident: number;
  /** KiB of that which no other process shares. */
  readonly private: number;
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return { resident: field("Rss"), private: field("Private_Clean") + field("Private_Dirty") };
}

export const sum = (all: readonly Memory[]): Memory => ({
  resident: all.reduce((total, one) => total + one.resident, 0),
  private: all.reduce((total, one) => total + one.private, 0),
});

/** Processes below `root`, itself included. */
export function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // the process ended meanwhile
    }
  }
  const below = (pid: number): number[] => [
    pid,
    ...[...parents].filter(([, parent]) => parent === pid).flatMap(([child]) => below(child)),
  ];
  return below(root);
}

/** Pids whose command line contains all of the words. */
export function findProcesses(...words: readonly string[]): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return /^\d+$/.test(name) && words.every((word) => command.includes(word)) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
