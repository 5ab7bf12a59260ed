// GET /containers/{id}/stats: usage once, or once a second.

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Clock, formatTime, ZERO_TIME } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { TaskUsage } from "#containerd/tasks/usage.ts";
import { hasProcess } from "./record.ts";
import { scope } from "./scope.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface StatsDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "metrics">;
  readonly clock: Clock;
  /** Bytes of memory of this machine: the limit of containers without one. */
  readonly totalMemory: number;
}

export interface StatsRequest {
  readonly stream: boolean;
  /** Without the wait for a second sample to compare with. */
  readonly oneShot: boolean;
  readonly minor: number;
}

type Sample = Readonly<Record<string, unknown>>;

const SECOND = 1000;

/** Lines of JSON, one a second while the container lives and the client listens. */
export async function* streamStats(
  deps: StatsDeps,
  container: Container,
  request: StatsRequest,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let before = await takeSample(deps, container);
  if (!request.stream && !request.oneShot && before !== undefined) {
    await delay(SECOND, undefined, { signal });
    yield line(versioned(await describe(deps, container, before), request.minor));
    return;
  }
  for (;;) {
    const now: Taken | undefined = await takeSample(deps, container);
    const sample =
      now === undefined
        ? emptyStats(container)
        : shape(deps, container, now, request.oneShot ? undefined : before);
    yield line(versioned(sample, request.minor));
    if (!request.stream || container.removed) return;
    before = now;
    await delay(SECOND, undefined, { signal });
  }
}

/** API 1.52 brought the operating system. */
const versioned = (sample: Sample, minor: number): Sample =>
  minor < 52 ? sample : { ...sample, os_type: "linux" };

const line = (sample: Sample): string => `${JSON.stringify(sample)}\n`;

interface Taken {
  readonly time: bigint;
  readonly usage: TaskUsage;
  readonly systemCpu: number;
  readonly networks: Sample | undefined;
}

async function describe(deps: StatsDeps, container: Container, before: Taken): Promise<Sample> {
  const now = await takeSample(deps, container);
  return now === undefined ? emptyStats(container) : shape(deps, container, now, before);
}

/** undefined when it is not running. */
async function takeSample(deps: StatsDeps, container: Container): Promise<Taken | undefined> {
  if (!hasProcess(container.state)) return undefined;
  try {
    const usage = await deps.tasks.metrics(scope, container.id);
    return {
      usage,
      time: deps.clock.now(),
      systemCpu: readSystemCpu(readFileSync("/proc/stat", "latin1")),
      networks: readNetworks(container),
    };
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

const TICK = 10_000_000;

/** Nanoseconds that all processors have spent: the first seven columns, as Docker adds them. */
function readSystemCpu(stat: string): number {
  const [, ...columns] = stat.slice(0, stat.indexOf("\n")).split(/\s+/);
  return columns.slice(0, 7).reduce((sum, value) => sum + Number(value), 0) * TICK;
}

/** The interfaces of the container's own namespace, without loopback. */
function readNetworks({ state, record }: Container): Sample | undefined {
  if (record.hostConfig.NetworkMode === "host") return undefined;
  try {
    return parseInterfaces(readFileSync(`/proc/${state.pid}/net/dev`, "latin1"));
  } catch {
    return undefined; // it has just ended
  }
}

/** /proc/net/dev: "  eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop …". */
function parseInterfaces(text: string): Sample | undefined {
  const rows = [...text.matchAll(/^\s*([^\s:]+):\s*(.*)$/gm)]
    .filter(([, name]) => name !== "lo")
    .map(([, name = "", rest = ""]) => {
      const values = rest.trim().split(/\s+/).map(Number);
      const at = (index: number): number => values[index] ?? 0;
      const received = { rx_bytes: at(0), rx_packets: at(1), rx_errors: at(2), rx_dropped: at(3) };
      return [
        name,
        { ...received, tx_bytes: at(8), tx_packets: at(9), tx_errors: at(10), tx_dropped: at(11) },
      ];
    });
  return rows.length === 0 ? undefined : Object.fromEntries(rows);
}

function shape(deps: StatsDeps, container: Container, now: Taken, before: Taken | undefined): Sample {
  const { usage, networks } = now;
  const { memory, pids } = usage;
  return {
    read: formatTime(now.time),
    preread: before === undefined ? ZERO_TIME : formatTime(before.time),
    pids_stats: { current: pids.current, ...(pids.limit > 0 && { limit: pids.limit }) },
    blkio_stats: describeBlockIo(usage),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: describeCpu(now),
    precpu_stats: before === undefined ? noCpu : describeCpu(before),
    memory_stats: {
      usage: memory.usage,
      max_usage: memory.maxUsage,
      stats: memory.stat,
      ...(memory.failures > 0 && { failcnt: memory.failures }),
      limit: memory.limit > 0 ? Math.min(memory.limit, deps.totalMemory) : deps.totalMemory,
    },
    name: `/${container.record.name}`,
    id: container.id,
    ...(networks !== undefined && { networks }),
  };
}

function describeCpu({ usage: { cpu }, systemCpu }: Taken): Sample {
  return {
    cpu_usage: {
      total_usage: cpu.total,
      ...(cpu.perCpu.length > 0 && { percpu_usage: cpu.perCpu }),
      usage_in_kernelmode: cpu.kernel,
      usage_in_usermode: cpu.user,
    },
    system_cpu_usage: systemCpu,
    online_cpus: onlineCpus(),
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttledTime,
    },
  };
}

/** Processors by the lines of /proc/stat: as many as the system's time above adds up. */
function onlineCpus(): number {
  return readFileSync("/proc/stat", "latin1").match(/^cpu\d/gm)?.length ?? 1;
}

const noCpu = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

function describeBlockIo({ blockIo }: TaskUsage): Sample {
  const entries = (value: (entry: TaskUsage["blockIo"][number]) => number): readonly Sample[] =>
    blockIo.map((entry) => ({ major: entry.major, minor: entry.minor, op: entry.op, value: value(entry) }));
  return {
    io_service_bytes_recursive: entries(({ bytes }) => bytes),
    io_serviced_recursive: entries(({ operations }) => operations),
    io_queue_recursive: [],
    io_service_time_recursive: [],
    io_wait_time_recursive: [],
    io_merged_recursive: [],
    io_time_recursive: [],
    sectors_recursive: [],
  };
}

/** What Docker tells of a container that does not run. */
const emptyStats = (container: Container): Sample => ({
  read: ZERO_TIME,
  preread: ZERO_TIME,
  pids_stats: {},
  blkio_stats: {
    io_service_bytes_recursive: null,
    io_serviced_recursive: null,
    io_queue_recursive: null,
    io_service_time_recursive: null,
    io_wait_time_recursive: null,
    io_merged_recursive: null,
    io_time_recursive: null,
    sectors_recursive: null,
  },
  num_procs: 0,
  storage_stats: {},
  cpu_stats: noCpu,
  precpu_stats: noCpu,
  memory_stats: {},
  name: `/${container.record.name}`,
  id: container.id,
});
