// Resource usage of tasks as containerd's clients read it: always the version 1 message, which every ctr prints.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type MemoryStatSchema, MetricsSchema } from "#proto/gen/cgroup-metrics_pb.ts";
import type { MetricSchema } from "#proto/gen/containerd-types_pb.ts";
import type { AnyValue } from "../containers/containers.ts";
import { parseFilters, readerOf } from "../filters.ts";
import { packMessage, toTimestamp } from "../protobuf.ts";
import type { Scope } from "../scope.ts";
import type { TaskProcess, Tasks } from "./tasks.ts";
import type { BlockIo, TaskUsage } from "./usage.ts";

/** Tasks that have ended are left out. */
export async function listMetrics(
  tasks: Tasks,
  scope: Scope,
  filters: readonly string[],
): Promise<MessageInitShape<typeof MetricSchema>[]> {
  const matches = parseFilters(filters);
  const wanted = (await tasks.list(scope)).filter(({ containerId }) =>
    matches(readerOf({ id: containerId, namespace: scope.namespace }, {})),
  );
  const found = await Promise.all(wanted.map((task) => readMetric(tasks, scope, task)));
  return found.filter((metric) => metric !== undefined);
}

async function readMetric(tasks: Tasks, scope: Scope, { containerId, status }: TaskProcess) {
  if (status === "stopped") return undefined;
  const usage = await tasks.metrics(scope, containerId);
  return { timestamp: toTimestamp(usage.readAt), id: containerId, data: encodeUsage(usage) };
}

function encodeUsage({ cpu, memory, pids, blockIo }: TaskUsage): AnyValue {
  return packMessage(MetricsSchema, {
    pids: { current: integer(pids.current), limit: integer(pids.limit) },
    cpu: {
      usage: {
        total: integer(cpu.total),
        user: integer(cpu.user),
        kernel: integer(cpu.kernel),
        perCpu: cpu.perCpu.map(integer),
      },
      throttling: {
        periods: integer(cpu.periods),
        throttledPeriods: integer(cpu.throttledPeriods),
        throttledTime: integer(cpu.throttledTime),
      },
    },
    memory: encodeMemory(memory),
    memoryOomControl: { oomKill: integer(memory.oomKills) },
    blkio: {
      ioServiceBytesRecursive: blockIo.map((entry) => encodeBlockIo(entry, entry.bytes)),
      ioServicedRecursive: blockIo.map((entry) => encodeBlockIo(entry, entry.operations)),
    },
  });
}

function encodeMemory({
  usage,
  limit,
  maxUsage,
  failures,
  stat,
}: TaskUsage["memory"]): MessageInitShape<typeof MemoryStatSchema> {
  // Version 2 counts the same under other names.
  const at = (name: string, name2 = name): bigint => integer(stat[name] ?? stat[name2] ?? 0);
  return {
    usage: {
      usage: integer(usage),
      limit: integer(limit),
      max: integer(maxUsage),
      failcnt: integer(failures),
    },
    cache: at("cache", "file"),
    rss: at("rss", "anon"),
    mappedFile: at("mapped_file", "file_mapped"),
    dirty: at("dirty", "file_dirty"),
    writeback: at("writeback", "file_writeback"),
    pgFault: at("pgfault"),
    pgMajFault: at("pgmajfault"),
    inactiveAnon: at("inactive_anon"),
    activeAnon: at("active_anon"),
    inactiveFile: at("inactive_file"),
    activeFile: at("active_file"),
    unevictable: at("unevictable"),
    totalCache: at("total_cache", "file"),
    totalRss: at("total_rss", "anon"),
    totalInactiveFile: at("total_inactive_file", "inactive_file"),
    totalActiveFile: at("total_active_file", "active_file"),
  };
}

const encodeBlockIo = ({ major, minor, op }: BlockIo, value: number) => ({
  major: integer(major),
  minor: integer(minor),
  op,
  value: integer(value),
});

const integer = (value: number): bigint => BigInt(Math.max(0, Math.trunc(value)));
