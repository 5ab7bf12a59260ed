// The columns of ps, and the arguments that choose them.

import { unsupported } from "#base/errors.ts";
import { type ProcessInfo, TICKS_PER_SECOND } from "./process-table.ts";

/** What a column's text depends on besides the process. */
export interface PsMachine {
  /** Seconds. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly userName: (uid: number) => string;
  readonly groupName: (gid: number) => string;
}

export interface PsColumn {
  readonly title: string;
  readonly text: (process: ProcessInfo, machine: PsMachine) => string;
}

const runSeconds = (process: ProcessInfo, machine: PsMachine): number =>
  Math.max(0, machine.uptime - process.startTicks / TICKS_PER_SECOND);

function cpuShare(process: ProcessInfo, machine: PsMachine): number {
  const seconds = runSeconds(process, machine);
  return seconds < 0.01 ? 0 : (process.cpuTicks / TICKS_PER_SECOND / seconds) * 100;
}

const two = (value: number): string => String(Math.trunc(value)).padStart(2, "0");

/** 00:01:02, and with days in front when there are some. */
function cpuTime(process: ProcessInfo): string {
  const seconds = Math.trunc(process.cpuTicks / TICKS_PER_SECOND);
  const clock = `${two((seconds / 3600) % 24)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  const days = Math.trunc(seconds / 86_400);
  return days === 0 ? clock : `${days}-${clock}`;
}

function elapsed(process: ProcessInfo, machine: PsMachine): string {
  const seconds = Math.trunc(runSeconds(process, machine));
  const clock = `${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  const hours = Math.trunc(seconds / 3600) % 24;
  const days = Math.trunc(seconds / 86_400);
  if (days > 0) return `${days}-${two(hours)}:${clock}`;
  return hours > 0 ? `${two(hours)}:${clock}` : clock;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** The time today, the day this year, else the year. */
function startTime(process: ProcessInfo, machine: PsMachine): string {
  const start = new Date(machine.now - runSeconds(process, machine) * 1000);
  const now = new Date(machine.now);
  if (start.toDateString() === now.toDateString())
    return `${two(start.getHours())}:${two(start.getMinutes())}`;
  if (start.getFullYear() !== now.getFullYear()) return String(start.getFullYear());
  return `${months[start.getMonth()]}${two(start.getDate())}`;
}

/** ps aux's shape of it: "0:00". */
const shortTime = ({ cpuTicks }: ProcessInfo): string => {
  const seconds = Math.trunc(cpuTicks / TICKS_PER_SECOND);
  return `${Math.trunc(seconds / 60)}:${two(seconds % 60)}`;
};

const processState = (process: ProcessInfo): string =>
  [
    process.state,
    process.nice < 0 ? "<" : process.nice > 0 ? "N" : "",
    process.sessionLeader ? "s" : "",
    process.threads > 1 ? "l" : "",
    process.foreground && process.tty !== "?" ? "+" : "",
  ].join("");

const column = (title: string, text: PsColumn["text"]): PsColumn => ({ title, text });

const columns: Readonly<Record<string, PsColumn>> = {
  user: column("USER", ({ uid }, { userName }) => userName(uid)),
  uid: column("UID", ({ uid }) => String(uid)),
  group: column("GROUP", ({ gid }, { groupName }) => groupName(gid)),
  gid: column("GID", ({ gid }) => String(gid)),
  pid: column("PID", ({ pid }) => String(pid)),
  ppid: column("PPID", ({ ppid }) => String(ppid)),
  pgid: column("PGID", ({ pgid }) => String(pgid)),
  sid: column("SID", ({ sid }) => String(sid)),
  tty: column("TT", ({ tty }) => tty),
  time: column("TIME", cpuTime),
  etime: column("ELAPSED", elapsed),
  stime: column("STIME", startTime),
  start: column("STARTED", startTime),
  c: column("C", (process, machine) => String(Math.min(99, Math.trunc(cpuShare(process, machine))))),
  pcpu: column("%CPU", (process, machine) => cpuShare(process, machine).toFixed(1)),
  pmem: column("%MEM", ({ residentSize }, { memory }) => ((residentSize / memory) * 100).toFixed(1)),
  vsz: column("VSZ", ({ virtualSize }) => String(Math.trunc(virtualSize / 1024))),
  rss: column("RSS", ({ residentSize }) => String(Math.trunc(residentSize / 1024))),
  stat: column("STAT", processState),
  s: column("S", ({ state }) => state),
  ni: column("NI", ({ nice }) => String(nice)),
  nlwp: column("NLWP", ({ threads }) => String(threads)),
  comm: column("COMMAND", ({ comm }) => comm),
  args: column("COMMAND", ({ args }) => args),
};

const aliases: Readonly<Record<string, string>> = {
  ...{ cmd: "args", command: "args", tt: "tty", tname: "tty", state: "s", "%cpu": "pcpu", "%mem": "pmem" },
  ...{ cputime: "time", vsize: "vsz", rssize: "rss", ucmd: "comm", euser: "user", euid: "uid", pgrp: "pgid" },
  ...{ lstart: "start", start_time: "stime", nice: "ni", session: "sid", thcount: "nlwp", sess: "sid" },
};

const named = (name: string, title?: string): PsColumn => {
  const found = columns[aliases[name] ?? name];
  if (found === undefined) throw unsupported(`ps column ${name}`);
  return title === undefined ? found : { ...found, title };
};

const full = (): readonly PsColumn[] => [
  named("user", "UID"),
  ...["pid", "ppid", "c", "stime"].map((name) => named(name)),
  named("tty", "TTY"),
  named("time"),
  named("args", "CMD"),
];

const bsd = (): readonly PsColumn[] => [
  ...["user", "pid", "pcpu", "pmem", "vsz", "rss"].map((name) => named(name)),
  named("tty", "TTY"),
  named("stat"),
  named("stime", "START"),
  { title: "TIME", text: shortTime },
  named("args"),
];

/** "-ef", "aux", "-o pid,args", "-eo pid=,cmd". */
export function parsePsArguments(text: string): readonly PsColumn[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const [first = "-ef", ...rest] = words;
  if (/^-?(ef|Af|fe|f|eF)$/.test(first) && rest.length === 0) return full();
  if (/^-?(aux|axu|au|u|auxw+)$/.test(first) && rest.length === 0) return bsd();
  const lists = formatLists(words);
  if (lists === undefined) throw unsupported(`ps_args ${text}`);
  return lists.flatMap((list) => list.split(",")).map(readColumn);
}

/** Of -o, o, -eo and -o given more than once; undefined if there is any other word. */
function formatLists(words: readonly string[]): readonly string[] | undefined {
  const lists: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const attached = /^-?[eAax]*o(.*)$/.exec(word)?.[1];
    if (attached === undefined) {
      if (/^-?[eAax]+$/.test(word)) continue;
      return undefined;
    }
    lists.push(attached === "" ? (words[++index] ?? "") : attached);
  }
  return lists.length === 0 ? undefined : lists;
}

function readColumn(text: string): PsColumn {
  const [name = "", title] = text.split("=", 2);
  return named(name.toLowerCase(), title);
}
