// Processor time of processes, which tells what a daemon does however many others want the processor.

import { readFileSync } from "node:fs";

const TICKS_A_SECOND = 100;

/** Milliseconds that it has used until now, 0 if it has ended; `children`: also those of its children that have ended and were waited for. */
export function processorTime(pid: number, children = false): number {
  const stat = statOf(pid);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3] ?? 0); // as man 5 proc counts
  const ticks = field(14) + field(15) + (children ? field(16) + field(17) : 0);
  return (ticks * 1000) / TICKS_A_SECOND;
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}
