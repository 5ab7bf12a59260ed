// Usage as the files of version 2 tell it, in the names and sums of version 1.

import { readRdma } from "./rdma-stats.ts";
import {
  type Count,
  parseCount,
  parseCounts,
  parseList,
  readFileIn,
  readNames,
  UNLIMITED,
} from "./read-files.ts";
import type {
  BlockEntry,
  BlockStats,
  CgroupStats,
  CpuStats,
  HugetlbStats,
  MemoryEntry,
  MemoryStats,
  Pressure,
  PressureTimes,
} from "./stats.ts";

type Read = (file: string) => string;

export function readStatsV2(directory: string): CgroupStats {
  const read: Read = (file) => readFileIn(directory, file);
  return {
    cpu: readCpu(read),
    cpuset: readCpuset(read),
    memory: readMemory(read),
    pids: readPids(read),
    blkio: { ...parseIoStat(read("io.stat")), ...pressureOf(read, "io") },
    hugetlb: readHugetlb(directory, read),
    rdma: readRdma((file) => read(`rdma.${file}`)),
  };
}

const nanoseconds = (microseconds: Count | undefined): Count => {
  const exact = BigInt(microseconds ?? 0) * 1000n;
  return exact <= Number.MAX_SAFE_INTEGER ? Number(exact) : exact;
};

function readCpu(read: Read): CpuStats {
  const stat = parseCounts(read("cpu.stat"));
  return {
    usage: {
      total: nanoseconds(stat.usage_usec),
      kernel: nanoseconds(stat.system_usec),
      user: nanoseconds(stat.user_usec),
    },
    throttling: {
      periods: stat.nr_periods ?? 0,
      throttledPeriods: stat.nr_throttled ?? 0,
      throttledTime: nanoseconds(stat.throttled_usec),
    },
    ...pressureOf(read, "cpu"),
  };
}

const readCpuset = (read: Read) => ({
  cpus: parseList(read("cpuset.cpus.effective")),
  cpu_exclusive: 0,
  mems: parseList(read("cpuset.mems.effective")),
  mem_hardwall: 0,
  mem_exclusive: 0,
  memory_migrate: 0,
  memory_spread_page: 0,
  memory_spread_slab: 0,
  memory_pressure: 0,
  sched_load_balance: 0,
  sched_relax_domain_level: 0,
});

const none: MemoryEntry = { limit: 0, usage: 0, max: 0, failcnt: 0 };

function readMemory(read: Read): MemoryStats {
  const raw = parseCounts(read("memory.stat"));
  const usage: MemoryEntry = {
    limit: parseCount(read("memory.max")),
    usage: parseCount(read("memory.current")),
    max: parseCount(read("memory.peak")),
    failcnt: parseCounts(read("memory.events")).max ?? 0,
  };
  return {
    cache: raw.file ?? 0,
    usage,
    swap: withSwap(usage, read),
    kernel: none,
    kernelTCP: none,
    raw,
    ...pressureOf(read, "memory"),
  };
}

/** Memory and swap together, as version 1 counts; of both there is no peak. */
function withSwap({ usage, limit }: MemoryEntry, read: Read): MemoryEntry {
  const swapLimit = parseCount(read("memory.swap.max"));
  return {
    limit: limit === UNLIMITED || swapLimit === UNLIMITED ? UNLIMITED : add(limit, swapLimit),
    usage: add(usage, parseCount(read("memory.swap.current"))),
    max: 0,
    failcnt: 0,
  };
}

const add = (a: Count, b: Count): Count =>
  typeof a === "number" && typeof b === "number" ? a + b : BigInt(a) + BigInt(b);

/** Without the controller the processes are counted. */
function readPids(read: Read): CgroupStats["pids"] {
  const current = read("pids.current");
  if (current === "") return { current: read("cgroup.procs").split("\n").filter(Boolean).length, limit: 0 };
  const limit = parseCount(read("pids.max"));
  return { current: parseCount(current), limit: limit === UNLIMITED ? 0 : limit };
}

const ioFields = [
  ["rbytes", "Read", "ioServiceBytesRecursive"],
  ["wbytes", "Write", "ioServiceBytesRecursive"],
  ["dbytes", "Discard", "ioServiceBytesRecursive"],
  ["rios", "Read", "ioServicedRecursive"],
  ["wios", "Write", "ioServicedRecursive"],
  ["dios", "Discard", "ioServicedRecursive"],
] as const;

/** Lines "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6"; of a device without I/O there is only "8:0". */
export function parseIoStat(text: string): BlockStats {
  const bytes: BlockEntry[] = [];
  const operations: BlockEntry[] = [];
  for (const line of text.split("\n")) {
    const match = /^(\d+):(\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const [, major, minor, rest = ""] = match;
    const values = parseCounts(rest.replaceAll(" ", "\n").replaceAll("=", " "));
    for (const [field, op, kind] of ioFields) {
      const value = values[field];
      const target = kind === "ioServicedRecursive" ? operations : bytes;
      if (value !== undefined) target.push({ major: Number(major), minor: Number(minor), op, value });
    }
  }
  return {
    ...(bytes.length > 0 && { ioServiceBytesRecursive: bytes }),
    ...(operations.length > 0 && { ioServicedRecursive: operations }),
  };
}

function readHugetlb(directory: string, read: Read): Readonly<Record<string, HugetlbStats>> {
  const files = readNames(directory);
  const sizes = files.flatMap((file) => /^hugetlb\.(\w+)\.current$/.exec(file)?.[1] ?? []);
  return Object.fromEntries(
    sizes.map((size) => {
      const reserved = files.includes(`hugetlb.${size}.rsvd.current`) ? ".rsvd" : "";
      const failcnt = parseCounts(read(`hugetlb.${size}.events`)).max ?? 0;
      return [size, { usage: parseCount(read(`hugetlb.${size}${reserved}.current`)), max: 0, failcnt }];
    }),
  );
}

/** Nothing where the kernel does not measure it. */
function pressureOf(read: Read, resource: string): { readonly psi?: Pressure } {
  const text = read(`${resource}.pressure`);
  return text === "" ? {} : { psi: parsePressure(text) };
}

/** Lines "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and "full …". */
export function parsePressure(text: string): Pressure {
  const times = (kind: string): PressureTimes => {
    const line = text.split("\n").find((one) => one.startsWith(`${kind} `)) ?? "";
    const value = (name: string): number => Number(new RegExp(`${name}=([\\d.]+)`).exec(line)?.[1] ?? 0);
    return { avg10: value("avg10"), avg60: value("avg60"), avg300: value("avg300"), total: value("total") };
  };
  return { some: times("some"), full: times("full") };
}
