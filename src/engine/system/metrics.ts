// What Prometheus is told, under dockerd's names and in its text format 0.0.4.

import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import { storageDriverOf } from "#engine/disk/storage-driver.ts";
import type { Machine } from "./machine.ts";
import type { Release } from "./release.ts";

export interface MetricsDeps {
  readonly engineId: string;
  readonly release: Release;
  readonly machine: Machine;
  readonly cpus: number;
  readonly snapshots: Pick<Snapshotter, "name">;
  readonly events: { readonly published: number; readonly watcherCount: number };
  states(): { readonly running: number; readonly paused: number; readonly stopped: number };
}

/** Upper bounds in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

interface Timer {
  readonly counts: number[];
  count: number;
  sum: number;
}

const newTimer = (): Timer => ({ counts: bounds.map(() => 0), count: 0, sum: 0 });

/** Timers with the label that tells their kinds, and what is told of each. */
const timers = {
  container_actions: ["action", "The number of seconds it takes to process each container action"],
  host_info_functions: [
    "function",
    "The number of seconds it takes to call functions gathering info about the host",
  ],
  image_actions: ["action", "The number of seconds it takes to process each image action"],
  network_actions: ["action", "The number of seconds it takes to process each network action"],
} as const;

type TimerName = keyof typeof timers;

/** "METHOD path" of the routes that are timed. */
const timedRoutes: Readonly<Record<string, readonly [TimerName, string]>> = {
  "POST /containers/create": ["container_actions", "create"],
  "POST /containers/:id/start": ["container_actions", "start"],
  "DELETE /containers/:id": ["container_actions", "delete"],
  "GET /containers/:id/changes": ["container_actions", "changes"],
  "POST /commit": ["container_actions", "commit"],
  "GET /info": ["host_info_functions", "system_info"],
  "GET /version": ["host_info_functions", "system_version"],
  "DELETE /images/:name": ["image_actions", "delete"],
  "POST /networks/create": ["network_actions", "create"],
  "DELETE /networks/:id": ["network_actions", "delete"],
};

export class Metrics {
  readonly #deps: MetricsDeps;
  readonly #timers = new Map<TimerName, Map<string, Timer>>();
  #healthChecks = 0;
  #failedHealthChecks = 0;

  constructor(deps: MetricsDeps) {
    this.#deps = deps;
    for (const [name, kind] of Object.values(timedRoutes)) this.#timer(name, kind);
  }

  /** `path`: the route's own, with its parameters. */
  observeRequest(
    { method, path }: { readonly method: string; readonly path: string },
    seconds: number,
  ): void {
    const timed = timedRoutes[`${method} ${path.replaceAll("*", "")}`];
    if (timed === undefined) return;
    const timer = this.#timer(...timed);
    timer.count++;
    timer.sum += seconds;
    for (const [index, bound] of bounds.entries())
      if (seconds <= bound) timer.counts[index] = (timer.counts[index] ?? 0) + 1;
  }

  observeHealthCheck(succeeded: boolean): void {
    this.#healthChecks++;
    if (!succeeded) this.#failedHealthChecks++;
  }

  format(): string {
    const { events, cpus, machine } = this.#deps;
    return [
      ...this.#formatTimers(),
      ...this.#formatStates(),
      ...this.#formatEngine(),
      ...single(
        "engine_cpus_cpus",
        "gauge",
        "The number of cpus that the host system of the engine has",
        cpus,
      ),
      ...single(
        "engine_memory_bytes",
        "gauge",
        "The number of bytes of memory that the host system of the engine has",
        machine.memoryTotal,
      ),
      ...single(
        "events_subscribers_total",
        "gauge",
        "The number of current subscribers to events",
        events.watcherCount,
      ),
      ...single("events_total", "counter", "The number of events logged", events.published),
      ...single("health_checks_total", "counter", "The total number of health checks", this.#healthChecks),
      ...single(
        "health_checks_failed_total",
        "counter",
        "The total number of failed health checks",
        this.#failedHealthChecks,
      ),
      ...describeProcess(),
      "",
    ].join("\n");
  }

  #timer(name: TimerName, kind: string): Timer {
    const kinds = this.#timers.get(name) ?? new Map<string, Timer>();
    this.#timers.set(name, kinds);
    const timer = kinds.get(kind) ?? newTimer();
    kinds.set(kind, timer);
    return timer;
  }

  #formatTimers(): readonly string[] {
    return [...this.#timers].flatMap(([name, kinds]) => {
      const [label, help] = timers[name];
      const full = `engine_daemon_${name}_seconds`;
      const lines = [...kinds].flatMap(([kind, { counts, count, sum }]) => [
        ...bounds.map((bound, index) => `${full}_bucket{${label}="${kind}",le="${bound}"} ${counts[index]}`),
        `${full}_bucket{${label}="${kind}",le="+Inf"} ${count}`,
        `${full}_sum{${label}="${kind}"} ${sum}`,
        `${full}_count{${label}="${kind}"} ${count}`,
      ]);
      return [...head(full, "histogram", help), ...lines];
    });
  }

  #formatStates(): readonly string[] {
    const full = "engine_daemon_container_states_containers";
    return [
      ...head(full, "gauge", "The count of containers in various states"),
      ...Object.entries(this.#deps.states()).map(([state, count]) => `${full}{state="${state}"} ${count}`),
    ];
  }

  #formatEngine(): readonly string[] {
    const { release, machine, engineId } = this.#deps;
    const labels = {
      architecture: machine.architecture,
      commit: release.gitCommit,
      daemon_id: engineId,
      graphdriver: storageDriverOf(this.#deps.snapshots.name),
      kernel: machine.kernelVersion,
      os: machine.operatingSystem,
      os_type: "linux",
      os_version: machine.osVersion,
      version: release.version,
    };
    const shown = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
    const full = "engine_daemon_engine_info";
    const help = "The information related to the engine and the OS it is running on";
    return [...head(full, "gauge", help), `${full}{${shown.join(",")}} 1`];
  }
}

const head = (name: string, type: string, help: string): readonly string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

const single = (name: string, type: string, help: string, value: number): readonly string[] => {
  const full = `engine_daemon_${name}`;
  return [...head(full, type, help), `${full} ${value}`];
};

const escapeLabel = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function describeProcess(): readonly string[] {
  const { user, system } = process.cpuUsage();
  return [
    ...head("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds."),
    `process_cpu_seconds_total ${(user + system) / 1e6}`,
    ...head("process_resident_memory_bytes", "gauge", "Resident memory size in bytes."),
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    ...head("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds."),
    `process_start_time_seconds ${(performance.timeOrigin / 1000).toFixed(3)}`,
  ];
}
