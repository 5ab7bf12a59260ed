// A container's usage from what its cgroups tell.

import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Count } from "#kernel/cgroups/read-files.ts";
import { readCgroupStats } from "#kernel/cgroups/read-stats.ts";
import type { BlockEntry, BlockStats } from "#kernel/cgroups/stats.ts";
import type { BlockIo, TaskUsage } from "./usage.ts";

/** Limits above this are the kernel's way to say "none". */
const unlimited = 2 ** 60;

/** `oomKills`: of the same cgroup. */
export function readCgroupUsage(paths: CgroupPaths, oomKills: number, readAt: number): TaskUsage {
  const { cpu, memory, pids, blkio } = readCgroupStats(paths);
  const { periods, throttledPeriods, throttledTime } = cpu.throttling;
  const stat = Object.entries(memory.raw).map(([name, value]) => [name, Number(value)] as const);
  return {
    readAt,
    cpu: {
      total: Number(cpu.usage.total),
      user: Number(cpu.usage.user),
      kernel: Number(cpu.usage.kernel),
      perCpu: (cpu.usage.percpu ?? []).map(Number),
      periods: Number(periods),
      throttledPeriods: Number(throttledPeriods),
      throttledTime: Number(throttledTime),
    },
    memory: {
      usage: Number(memory.usage.usage),
      limit: limitOf(memory.usage.limit),
      maxUsage: Number(memory.usage.max),
      failures: Number(memory.usage.failcnt),
      stat: Object.fromEntries(stat),
      oomKills,
    },
    pids: { current: Number(pids.current), limit: limitOf(pids.limit) },
    blockIo: joinBlockIo(blkio),
  };
}

const limitOf = (limit: Count): number => (limit >= unlimited ? 0 : Number(limit));

/** Bytes and operations of a device and kind in one entry. */
export function joinBlockIo(stats: BlockStats): readonly BlockIo[] {
  const keyOf = ({ major, minor, op }: BlockEntry): string => `${major}:${minor} ${op}`;
  const operations = new Map((stats.ioServicedRecursive ?? []).map((entry) => [keyOf(entry), entry.value]));
  return (stats.ioServiceBytesRecursive ?? []).map((entry) => ({
    major: entry.major,
    minor: entry.minor,
    op: entry.op ?? "",
    bytes: Number(entry.value),
    operations: Number(operations.get(keyOf(entry)) ?? 0),
  }));
}
