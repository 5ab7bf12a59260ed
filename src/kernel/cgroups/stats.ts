// What a cgroup uses, in the shape that `runc events --stats` tells it (its field names are kept, so that it can be printed as it is).
// Times are nanoseconds, sizes bytes; files that a kernel lacks count as zero.

import type { Count } from "./read-files.ts";

export interface CgroupStats {
  readonly cpu: CpuStats;
  readonly cpuset: CpusetStats;
  readonly memory: MemoryStats;
  readonly pids: { readonly current: Count /** 0: none. */; readonly limit: Count };
  readonly blkio: BlockStats;
  /** By size of page: "2MB". */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  readonly rdma: { readonly limit: readonly RdmaEntry[]; readonly current: readonly RdmaEntry[] };
}

export interface CpuStats {
  readonly usage: {
    readonly total: Count;
    /** By processor; only version 1 tells. */
    readonly percpu?: readonly Count[];
    readonly percpu_kernel?: readonly Count[];
    readonly percpu_user?: readonly Count[];
    readonly kernel: Count;
    readonly user: Count;
  };
  readonly throttling: {
    readonly periods: Count;
    readonly throttledPeriods: Count;
    readonly throttledTime: Count;
  };
  readonly psi?: Pressure;
}

/** Version 1 alone has the flags. */
export interface CpusetStats {
  readonly cpus?: readonly number[];
  readonly cpu_exclusive: Count;
  readonly mems?: readonly number[];
  readonly mem_hardwall: Count;
  readonly mem_exclusive: Count;
  readonly memory_migrate: Count;
  readonly memory_spread_page: Count;
  readonly memory_spread_slab: Count;
  readonly memory_pressure: Count;
  readonly sched_load_balance: Count;
  readonly sched_relax_domain_level: Count;
}

export interface MemoryEntry {
  /** 2^64 - 1 (version 2) or about 2^63 (version 1): none. */
  readonly limit: Count;
  readonly usage: Count;
  readonly max: Count;
  readonly failcnt: Count;
}

export interface MemoryStats {
  readonly cache: Count;
  readonly usage: MemoryEntry;
  /** Memory and swap together. */
  readonly swap: MemoryEntry;
  readonly kernel: MemoryEntry;
  readonly kernelTCP: MemoryEntry;
  /** memory.stat */
  readonly raw: Readonly<Record<string, Count>>;
  readonly psi?: Pressure;
}

export interface BlockEntry {
  readonly major: number;
  readonly minor: number;
  /** "Read", "Write", "Sync", "Async", "Discard", "Total"; missing where there is one number for a device. */
  readonly op?: string;
  readonly value: Count;
}

export interface BlockStats {
  readonly ioServiceBytesRecursive?: readonly BlockEntry[];
  readonly ioServicedRecursive?: readonly BlockEntry[];
  readonly ioQueueRecursive?: readonly BlockEntry[];
  readonly ioServiceTimeRecursive?: readonly BlockEntry[];
  readonly ioWaitTimeRecursive?: readonly BlockEntry[];
  readonly ioMergedRecursive?: readonly BlockEntry[];
  readonly ioTimeRecursive?: readonly BlockEntry[];
  readonly sectorsRecursive?: readonly BlockEntry[];
  readonly psi?: Pressure;
}

export interface HugetlbStats {
  readonly usage: Count;
  readonly max: Count;
  readonly failcnt: Count;
}

export interface RdmaEntry {
  readonly device: string;
  /** 2^32 - 1: no limit. */
  readonly hca_handles: number;
  readonly hca_objects: number;
}

/** How long processes waited for the resource: some of them, all of them. Version 2. */
export interface Pressure {
  readonly some: PressureTimes;
  readonly full: PressureTimes;
}

export interface PressureTimes {
  /** Per cent of the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  /** Microseconds. */
  readonly total: number;
}
