// Reads a container's usage from its cgroups, version 1 or 2. Files that a kernel lacks count as zero.
// Synchronous: reading these files takes the kernel some microseconds and never waits for a disk.

import { readFileSync } from "node:fs";
import { type CgroupPaths, findController } from "#kernel/cgroups/paths.ts";
import { errnoOf } from "../failures.ts";
import type { BlockIo, TaskUsage } from "./usage.ts";

/** Limits above this are the kernel's way to say "none". */
const unlimited = 2 ** 60;
const microsecond = 1000;
/** USER_HZ of every Linux: cpuacct.stat counts hundredths of a second. */
const tick = 10_000_000;

type Read = (controller: string, file: string) => string;

export function readCgroupUsage(paths: CgroupPaths, now: number): TaskUsage {
  const read: Read = (controller, file) => readText(findController(paths, controller), file);
  return paths.v2 === undefined ? readVersion1(read, now) : readVersion2(read, now);
}

export function readOomKills(paths: CgroupPaths): number {
  const directory = findController(paths, "memory");
  const file = paths.v2 === undefined ? "memory.oom_control" : "memory.events";
  return parseTable(readText(directory, file)).oom_kill ?? 0;
}

function readVersion1(read: Read, readAt: number): TaskUsage {
  const times = parseTable(read("cpuacct", "cpuacct.stat"));
  const throttling = parseTable(read("cpu", "cpu.stat"));
  return {
    readAt,
    cpu: {
      total: parseNumber(read("cpuacct", "cpuacct.usage")),
      user: (times.user ?? 0) * tick,
      kernel: (times.system ?? 0) * tick,
      perCpu: read("cpuacct", "cpuacct.usage_percpu").split(/\s+/).filter(Boolean).map(parseNumber),
      periods: throttling.nr_periods ?? 0,
      throttledPeriods: throttling.nr_throttled ?? 0,
      throttledTime: throttling.throttled_time ?? 0,
    },
    memory: {
      usage: parseNumber(read("memory", "memory.usage_in_bytes")),
      limit: parseLimit(read("memory", "memory.limit_in_bytes")),
      maxUsage: parseNumber(read("memory", "memory.max_usage_in_bytes")),
      failures: parseNumber(read("memory", "memory.failcnt")),
      stat: parseTable(read("memory", "memory.stat")),
      oomKills: parseTable(read("memory", "memory.oom_control")).oom_kill ?? 0,
    },
    pids: readPids(read),
    blockIo: joinBlockIo(
      read("blkio", "blkio.throttle.io_service_bytes_recursive"),
      read("blkio", "blkio.throttle.io_serviced_recursive"),
    ),
  };
}

function readVersion2(read: Read, readAt: number): TaskUsage {
  const cpu = parseTable(read("cpu", "cpu.stat"));
  const events = parseTable(read("memory", "memory.events"));
  return {
    readAt,
    cpu: {
      total: (cpu.usage_usec ?? 0) * microsecond,
      user: (cpu.user_usec ?? 0) * microsecond,
      kernel: (cpu.system_usec ?? 0) * microsecond,
      perCpu: [],
      periods: cpu.nr_periods ?? 0,
      throttledPeriods: cpu.nr_throttled ?? 0,
      throttledTime: (cpu.throttled_usec ?? 0) * microsecond,
    },
    memory: {
      usage: parseNumber(read("memory", "memory.current")),
      limit: parseLimit(read("memory", "memory.max")),
      maxUsage: parseNumber(read("memory", "memory.peak")),
      failures: events.max ?? 0,
      stat: parseTable(read("memory", "memory.stat")),
      oomKills: events.oom_kill ?? 0,
    },
    pids: readPids(read),
    blockIo: parseIoStat(read("io", "io.stat")),
  };
}

const readPids = (read: Read) => ({
  current: parseNumber(read("pids", "pids.current")),
  limit: parseLimit(read("pids", "pids.max")),
});

function readText(directory: string | undefined, file: string): string {
  if (directory === undefined) return "";
  try {
    return readFileSync(`${directory}/${file}`, "utf8");
  } catch (error) {
    if (["ENOENT", "ENODEV", "EOPNOTSUPP"].includes(errnoOf(error))) return "";
    throw error;
  }
}

const parseNumber = (text: string): number => {
  const value = Number(text.trim());
  return Number.isFinite(value) ? value : 0;
};

const parseLimit = (text: string): number => {
  const limit = parseNumber(text);
  return limit >= unlimited ? 0 : limit;
};

/** Lines "name number". */
export function parseTable(text: string): Readonly<Record<string, number>> {
  const rows = text.split("\n").map((line) => line.split(" "));
  return Object.fromEntries(
    rows.flatMap(([name = "", value]) => (value === undefined ? [] : [[name, parseNumber(value)]])),
  );
}

/** Two files of lines "8:0 Read 4096", one of bytes, one of operations. */
export function joinBlockIo(bytes: string, operations: string): readonly BlockIo[] {
  const counts = new Map(parseBlockLines(operations).map(({ key, value }) => [key, value]));
  return parseBlockLines(bytes).map(({ key, major, minor, op, value }) => ({
    major,
    minor,
    op,
    bytes: value,
    operations: counts.get(key) ?? 0,
  }));
}

const parseBlockLines = (text: string) =>
  text.split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match === null) return [];
    const [, major, minor, op = "", value] = match;
    return [
      {
        key: `${major}:${minor} ${op}`,
        major: Number(major),
        minor: Number(minor),
        op,
        value: Number(value),
      },
    ];
  });

/** Lines "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6". */
export function parseIoStat(text: string): readonly BlockIo[] {
  return text.split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+) (.*)$/.exec(line);
    if (match === null) return [];
    const [, major, minor, rest = ""] = match;
    const values = parseTable(rest.replaceAll("=", " ").replaceAll(/ (?=[a-z])/g, "\n"));
    const entry = (op: string, letter: string): BlockIo => ({
      major: Number(major),
      minor: Number(minor),
      op,
      bytes: values[`${letter}bytes`] ?? 0,
      operations: values[`${letter}ios`] ?? 0,
    });
    return [entry("Read", "r"), entry("Write", "w"), entry("Discard", "d")];
  });
}
