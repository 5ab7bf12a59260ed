// Usage in the document that `runc events` prints: fields of Go's "omitempty" are left out when they are zero.

import type { CgroupStats, MemoryEntry } from "#kernel/cgroups/stats.ts";

type Fields = Readonly<Record<string, unknown>>;

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === 0 || value === 0n || (Array.isArray(value) && value.length === 0);

const compact = (fields: Fields, kept: readonly string[] = []): Fields =>
  Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => kept.includes(name) || !isEmpty(value)),
  );

const describeEntry = ({ limit, usage, max, failcnt }: MemoryEntry): Fields =>
  compact({ limit, usage, max, failcnt }, ["limit", "failcnt"]);

export function describeStats({ cpu, cpuset, memory, pids, blkio, hugetlb }: CgroupStats): Fields {
  const { total, percpu, percpu_kernel, percpu_user, kernel, user } = cpu.usage;
  return {
    cpu: compact({
      usage: compact({ total, percpu, percpu_kernel, percpu_user, kernel, user }, ["kernel", "user"]),
      throttling: compact({ ...cpu.throttling }),
      psi: cpu.psi,
    }),
    cpuset: Object.fromEntries(
      Object.entries(cpuset).filter(([name, value]) => !(/^(cpus|mems)$/.test(name) && isEmpty(value))),
    ),
    memory: compact({
      cache: memory.cache,
      usage: describeEntry(memory.usage),
      swap: describeEntry(memory.swap),
      kernel: describeEntry(memory.kernel),
      kernelTCP: describeEntry(memory.kernelTCP),
      raw: sorted(memory.raw),
      psi: memory.psi,
    }),
    pids: compact({ ...pids }),
    blkio: describeBlocks(blkio),
    hugetlb: sorted(
      Object.fromEntries(
        Object.entries(hugetlb).map(([size, { usage, max, failcnt }]) => [
          size,
          compact({ usage, max, failcnt }, ["failcnt"]),
        ]),
      ),
    ),
    intel_rdt: {},
    network_interfaces: null,
  };
}

const describeBlocks = (blkio: CgroupStats["blkio"]): Fields =>
  compact(
    Object.fromEntries(
      Object.entries(blkio).map(([name, entries]) => [
        name,
        Array.isArray(entries) ? entries.map((entry) => compact({ ...entry })) : entries,
      ]),
    ),
  );

const sorted = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)));
