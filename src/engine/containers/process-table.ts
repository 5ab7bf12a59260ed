// Processes as /proc tells them, for `docker top`. Nothing of a container is executed: its own ps could lie.

import { readFile } from "node:fs/promises";

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly uid: number;
  readonly gid: number;
  readonly state: string;
  /** "pts/0" or "?". */
  readonly tty: string;
  readonly nice: number;
  readonly threads: number;
  /** Clock ticks. */
  readonly cpuTicks: number;
  /** Clock ticks after boot. */
  readonly startTicks: number;
  /** Bytes. */
  readonly virtualSize: number;
  readonly residentSize: number;
  readonly comm: string;
  readonly args: string;
  readonly sessionLeader: boolean;
  readonly foreground: boolean;
}

/** USER_HZ, the same on every Linux. */
export const TICKS_PER_SECOND = 100;
const PAGE_SIZE = 4096;

/** Undefined for a process that is gone. */
export async function readProcess(pid: number): Promise<ProcessInfo | undefined> {
  try {
    const [stat, status, cmdline] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "latin1"),
      readFile(`/proc/${pid}/status`, "latin1"),
      readFile(`/proc/${pid}/cmdline`),
    ]);
    return parseProcess(pid, stat, status, cmdline);
  } catch {
    return undefined;
  }
}

/** The name is in parentheses and may hold any character, so it ends at the last one. */
export function parseProcess(pid: number, stat: string, status: string, cmdline: Uint8Array): ProcessInfo {
  const end = stat.lastIndexOf(")");
  const comm = stat.slice(stat.indexOf("(") + 1, end);
  const fields = stat.slice(end + 2).split(" ");
  const numberAt = (field: number): number => Number(fields[field - 3] ?? 0); // numbered as in proc(5)
  const idOf = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+\\d+\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  const args = Buffer.from(cmdline).toString().replace(/\0+$/, "").replaceAll("\0", " ");
  return {
    pid,
    ppid: numberAt(4),
    pgid: numberAt(5),
    sid: numberAt(6),
    uid: idOf("Uid"),
    gid: idOf("Gid"),
    state: fields[0] ?? "?",
    tty: describeTty(numberAt(7)),
    nice: numberAt(19),
    threads: numberAt(20),
    cpuTicks: numberAt(14) + numberAt(15),
    startTicks: numberAt(22),
    virtualSize: numberAt(23),
    residentSize: numberAt(24) * PAGE_SIZE,
    comm,
    args: args === "" ? `[${comm}]` : args,
    sessionLeader: numberAt(6) === pid,
    foreground: numberAt(8) === numberAt(5),
  };
}

const UNIX98_PTY = 136;

function describeTty(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (device === 0) return "?";
  return major >= UNIX98_PTY && major < UNIX98_PTY + 8
    ? `pts/${(major - UNIX98_PTY) * 256 + minor}`
    : `${major}:${minor}`;
}
