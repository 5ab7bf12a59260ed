// Usage as the files of version 1 tell it.

import { readBlockStats } from "./block-stats-v1.ts";
import { type CgroupPaths, findController } from "./paths.ts";
import { readRdma } from "./rdma-stats.ts";
import { type Count, parseCount, parseCounts, parseList, readFileIn, readNames } from "./read-files.ts";
import type { CgroupStats, CpuStats, CpusetStats, HugetlbStats, MemoryEntry, MemoryStats } from "./stats.ts";

/** USER_HZ of every Linux: cpuacct.stat counts hundredths of a second. */
const tick = 10_000_000;

export function readStatsV1(paths: CgroupPaths): CgroupStats {
  const at = (controller: string): Read => {
    const directory = findController(paths, controller);
    return (file) => readFileIn(directory, `${controller}.${file}`);
  };
  const limit = parseCount(at("pids")("max"));
  return {
    cpu: readCpu(at("cpu"), at("cpuacct")),
    cpuset: readCpuset(at("cpuset")),
    memory: readMemory(at("memory")),
    pids: { current: parseCount(at("pids")("current")), limit: typeof limit === "bigint" ? 0 : limit },
    blkio: readBlockStats(at("blkio")),
    hugetlb: readHugetlb(findController(paths, "hugetlb"), at("hugetlb")),
    rdma: readRdma(at("rdma")),
  };
}

/** Reads the controller's file of that name. */
type Read = (file: string) => string;

function readCpu(cpu: Read, cpuacct: Read): CpuStats {
  const times = parseCounts(cpuacct("stat"));
  const throttling = parseCounts(cpu("stat"));
  const [header = "", ...rows] = cpuacct("usage_all").trim().split("\n");
  const columns = rows.map((row) => row.split(" "));
  const column = (name: string): readonly Count[] => {
    const index = header.split(" ").indexOf(name);
    return columns.map((row) => parseCount(row[index] ?? ""));
  };
  return {
    usage: {
      total: parseCount(cpuacct("usage")),
      percpu: cpuacct("usage_percpu").split(/\s+/).filter(Boolean).map(parseCount),
      percpu_kernel: column("system"),
      percpu_user: column("user"),
      kernel: Number(times.system ?? 0) * tick,
      user: Number(times.user ?? 0) * tick,
    },
    throttling: {
      periods: throttling.nr_periods ?? 0,
      throttledPeriods: throttling.nr_throttled ?? 0,
      throttledTime: throttling.throttled_time ?? 0,
    },
  };
}

function readCpuset(read: Read): CpusetStats {
  const flag = (file: string): Count => parseCount(read(file));
  return {
    cpus: parseList(read("cpus")),
    cpu_exclusive: flag("cpu_exclusive"),
    mems: parseList(read("mems")),
    mem_hardwall: flag("mem_hardwall"),
    mem_exclusive: flag("mem_exclusive"),
    memory_migrate: flag("memory_migrate"),
    memory_spread_page: flag("memory_spread_page"),
    memory_spread_slab: flag("memory_spread_slab"),
    memory_pressure: flag("memory_pressure"),
    sched_load_balance: flag("sched_load_balance"),
    sched_relax_domain_level: flag("sched_relax_domain_level"),
  };
}

function readMemory(read: Read): MemoryStats {
  const entry = (prefix: string): MemoryEntry => ({
    limit: parseCount(read(`${prefix}limit_in_bytes`)),
    usage: parseCount(read(`${prefix}usage_in_bytes`)),
    max: parseCount(read(`${prefix}max_usage_in_bytes`)),
    failcnt: parseCount(read(`${prefix}failcnt`)),
  });
  const raw = parseCounts(read("stat"));
  return {
    cache: raw.cache ?? 0,
    usage: entry(""),
    swap: entry("memsw."),
    kernel: entry("kmem."),
    kernelTCP: entry("kmem.tcp."),
    raw,
  };
}

function readHugetlb(directory: string | undefined, read: Read): Readonly<Record<string, HugetlbStats>> {
  const files = directory === undefined ? [] : readNames(directory);
  const sizes = files.flatMap((file) => /^hugetlb\.(\w+)\.usage_in_bytes$/.exec(file)?.[1] ?? []);
  return Object.fromEntries(
    sizes.map((size) => {
      const prefix = files.includes(`hugetlb.${size}.rsvd.usage_in_bytes`) ? `${size}.rsvd` : size;
      return [
        size,
        {
          usage: parseCount(read(`${prefix}.usage_in_bytes`)),
          max: parseCount(read(`${prefix}.max_usage_in_bytes`)),
          failcnt: parseCount(read(`${prefix}.failcnt`)),
        },
      ];
    }),
  );
}
