import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "./machine.ts";
import { Metrics } from "./metrics.ts";

const machine: Machine = {
  kernelVersion: "6.1",
  operatingSystem: 'Test "x"',
  osVersion: "1",
  architecture: "x86_64",
  goArchitecture: "amd64",
  memoryTotal: 1024,
  hostname: "box",
  cgroupVersion: 2,
  cgroups: {
    memory: true,
    swap: true,
    oomKillDisable: false,
    cpuPeriod: true,
    cpuQuota: true,
    cpuShares: true,
    cpuset: true,
    pids: true,
  },
};

const open = (): Metrics =>
  new Metrics({
    snapshots: { name: "overlayfs" },
    engineId: "id",
    release: { version: "0.1.0", gitCommit: "abc", buildTime: "" },
    machine,
    cpus: 2,
    events: { published: 5, watcherCount: 1 },
    states: () => ({ running: 3, paused: 0, stopped: 2 }),
  });

test("a timer counts into every bucket that is wide enough", () => {
  const metrics = open();
  metrics.observeRequest({ method: "POST", path: "/containers/:id*/start" }, 0.03);
  metrics.observeRequest({ method: "POST", path: "/containers/:id*/start" }, 20);
  const text = metrics.format();
  const name = "engine_daemon_container_actions_seconds";
  for (const line of [
    `${name}_bucket{action="start",le="0.025"} 0`,
    `${name}_bucket{action="start",le="0.05"} 1`,
    `${name}_bucket{action="start",le="10"} 1`,
    `${name}_bucket{action="start",le="+Inf"} 2`,
    `${name}_sum{action="start"} 20.03`,
    `${name}_count{action="create"} 0`,
  ])
    assert.ok(text.split("\n").includes(line), line);
});

test("the engine, its containers and its health checks are told", () => {
  const metrics = open();
  metrics.observeHealthCheck(true);
  metrics.observeHealthCheck(false);
  const text = metrics.format();
  assert.match(text, /^engine_daemon_container_states_containers\{state="running"\} 3$/m);
  assert.match(text, /^engine_daemon_engine_info\{.*os="Test \\"x\\"".*version="0\.1\.0"\} 1$/m);
  assert.match(text, /^engine_daemon_events_total 5$/m);
  assert.match(text, /^engine_daemon_health_checks_total 2$/m);
  assert.match(text, /^engine_daemon_health_checks_failed_total 1$/m);
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
});

test("each name has its type told once, before its values", () => {
  const lines = open().format().split("\n");
  const types = lines.filter((line) => line.startsWith("# TYPE ")).map((line) => line.split(" ")[2]);
  assert.equal(new Set(types).size, types.length);
  assert.equal(lines.at(-1), "");
});
