import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { EventJournal } from "#engine/events/journal.ts";
import { JournaledEvents } from "#engine/events/journaled.ts";
import { DiskUsage } from "#engine/system/disk-usage.ts";
import { type Machine, readOsRelease } from "#engine/system/machine.ts";
import { cgroupWarnings } from "#engine/system/warnings.ts";
import type { ApiCall, ApiResponse } from "../router.ts";
import { type SystemRouteDeps, systemRoutes } from "./system.ts";

const all = {
  memory: true,
  swap: true,
  oomKillDisable: true,
  cpuPeriod: true,
  cpuQuota: true,
  cpuShares: true,
  cpuset: true,
  pids: true,
};
const machine: Machine = {
  kernelVersion: "6.1",
  operatingSystem: "Test",
  osVersion: "1",
  architecture: "x86_64",
  goArchitecture: "amd64",
  memoryTotal: 1,
  hostname: "box",
  cgroupVersion: 1,
  cgroups: all,
};

function makeDeps(): SystemRouteDeps & { readonly bus: JournaledEvents } {
  let time = 1_700_000_000_000_000_000n;
  const clock = { now: () => time++ };
  const bus = new JournaledEvents({
    clock,
    journal: new EventJournal(":memory:", 1000),
    report: assert.ifError,
  });
  return {
    snapshots: { name: "overlayfs" },
    engineId: "id",
    volumePlugins: () => [],
    networkDrivers: () => [],
    settings: {
      dataRoot: "/",
      debug: false,
      liveRestore: false,
      labels: [],
      insecureRegistries: ["r:5000", "10.0.0.0/8"],
      registryMirrors: ["http://m"],
      authorizationPlugins: [],
      addressPools: [{ base: "10.0.0.0/8", size: 24 }],
      experimental: false,
      minApiVersion: "",
      hosts: ["unix:///x.sock", "tcp://127.0.0.1:2375"],
      initPath: "",
      containers: {
        logDriver: "",
        runtime: "runc",
        seccompProfile: "builtin",
        cgroupnsMode: "",
        noNewPrivileges: false,
      },
      containerdAddress: "/c.sock",
    },
    release: { version: "0.1.0", gitCommit: "abc", buildTime: "2026-01-01T00:00:00Z" },
    machine,
    cpus: 2,
    clock,
    events: bus,
    bus,
    containerd: { version: async () => ({ version: "1.7", revision: "r" }) },
    count: async () => ({ running: 1, paused: 0, stopped: 2, images: 4 }),
    diskUsage: new DiskUsage(
      {
        images: async () => ({ images: [], layersSize: 7 }),
        containers: async () => [
          { Id: "a", State: "running", SizeRw: 5, Health: { Status: "none" } },
          { Id: "b", State: "exited", SizeRw: 3, Health: { Status: "none" } },
        ],
        volumes: async () => [volume("used", 4, 1), volume("unused", 2, 0), volume("unknown", -1, 0)],
      },
      new AbortController().signal,
    ),
    checkStore: () => Promise.reject(new Error("not here")),
    explain: async (request) => [request],
  };
}

const volume = (Name: string, Size: number, RefCount: number) => ({
  ...{ Name, Driver: "local", Mountpoint: "/", Labels: {}, Scope: "local" as const, Options: {} },
  UsageData: { Size, RefCount },
});

async function get(deps: SystemRouteDeps, path: string, query = "", minor = 50): Promise<ApiResponse> {
  const route = systemRoutes(deps).find((candidate) => candidate.method === "GET" && candidate.path === path);
  assert.ok(route);
  const call: ApiCall = {
    params: {},
    query: new URLSearchParams(query),
    headers: {},
    version: { minor },
    body: (async function* () {})(),
    json: async () => undefined,
    signal: new AbortController().signal,
  };
  return route.handle(call);
}

async function getJson(deps: SystemRouteDeps, path: string, query = "", minor = 50) {
  const response = await get(deps, path, query, minor);
  assert.ok(response.kind === "json");
  const value: Record<string, unknown> = JSON.parse(JSON.stringify(response.value));
  return value;
}

test("ping tells the classic builder and no swarm", async () => {
  const response = await get(makeDeps(), "/_ping");
  assert.ok(response.kind === "text");
  assert.equal(response.text, "OK");
  assert.equal(response.headers?.["Builder-Version"], "1");
  assert.equal(response.headers?.Swarm, "inactive");
});

test("version names the parts of the engine", async () => {
  const version = await getJson(makeDeps(), "/version");
  assert.equal(version.ApiVersion, "1.55");
  assert.ok(Array.isArray(version.Components));
  assert.deepEqual(
    version.Components.map(({ Name }) => Name),
    ["Engine", "containerd", "gantry-runc", "gantry-exec"],
  );
});

test("info counts containers and shows what an API version knows", async () => {
  const info = await getJson(makeDeps(), "/info");
  assert.equal(info.Containers, 3);
  assert.deepEqual(info.FirewallBackend, { Driver: "nftables" });
  assert.deepEqual(info.DefaultAddressPools, [{ Base: "10.0.0.0/8", Size: 24 }]);
  assert.equal((await getJson(makeDeps(), "/info", "", 41)).FirewallBackend, undefined);
});

test("info tells the devices that CDI files describe, since 1.50", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-cdi-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const devices = [{ name: "1" }, { name: "0" }];
  writeFileSync(
    join(folder, "gpu.json"),
    JSON.stringify({ cdiVersion: "0.5.0", kind: "v.com/gpu", devices }),
  );
  const deps = makeDeps();
  const infoAt = (minor: number) =>
    getJson({ ...deps, settings: { ...deps.settings, cdiDirectories: [folder] } }, "/info", "", minor);
  assert.equal((await infoAt(49)).DiscoveredDevices, undefined);
  assert.deepEqual(
    (await infoAt(50)).DiscoveredDevices,
    ["v.com/gpu=0", "v.com/gpu=1"].map((ID) => ({ Source: "cdi", ID })),
  );
});

test("events are one JSON object a line with all digits of their time", async () => {
  const deps = makeDeps();
  deps.bus.publish({ type: "container", action: "start", actorId: "c", attributes: { image: "busybox" } });
  const response = await get(deps, "/events", "since=1&until=1700000001");
  assert.ok(response.kind === "stream");
  const lines = await Array.fromAsync(response.chunks);
  assert.deepEqual(lines, [
    '{"status":"start","id":"c","from":"busybox","Type":"container","Action":"start","Actor":{"ID":"c","Attributes":{"image":"busybox"}},"scope":"local","time":1700000000,"timeNano":1700000000000000000}\n',
  ]);
});

for (const [query, message] of [
  ["since=x", `invalid value for 'since': strconv.ParseInt: parsing "x": invalid syntax`],
  ["since=5&until=4.5", "`since` time (5) cannot be after `until` time (4.5)"],
] as const) {
  test(`events refuse ${query}`, async () => {
    await assert.rejects(get(makeDeps(), "/events", query), { kind: "invalid", message });
  });
}

test("disk usage gives the kinds that were asked for", async () => {
  const deps = makeDeps();
  const report = await getJson(deps, "/system/df", "type=image&type=build-cache");
  assert.deepEqual(report, { LayersSize: 7, Images: [], Containers: null, Volumes: null, BuildCache: [] });
  await assert.rejects(get(deps, "/system/df", "type=air"), { message: "unknown object type: air" });
});

test("disk usage is lists until 1.51, and sums besides or instead since 1.52", async () => {
  const deps = makeDeps();
  const old = await getJson(deps, "/system/df", "verbose=1", 51);
  assert.deepEqual(old.Containers, [
    { Id: "a", State: "running", SizeRw: 5 },
    { Id: "b", State: "exited", SizeRw: 3 },
  ]);
  const query = "type=container&type=volume&type=build-cache";
  const both = await getJson(deps, "/system/df", query, 52);
  assert.deepEqual(Object.keys(both), [
    ...["Containers", "Volumes", "BuildCache"],
    ...["ContainerUsage", "VolumeUsage", "BuildCacheUsage"],
  ]);
  const { ContainerUsage, VolumeUsage, ...rest } = await getJson(
    deps,
    "/system/df",
    `${query}&verbose=1`,
    52,
  );
  assert.deepEqual(rest, { BuildCacheUsage: {} });
  const sums = { ActiveCount: 1, TotalCount: 2, Reclaimable: 3, TotalSize: 8 };
  assert.deepEqual(ContainerUsage, { ...sums, Items: both.Containers });
  const { Items = [], ...volumes } = Object(VolumeUsage);
  assert.deepEqual(volumes, { ActiveCount: 2, TotalCount: 3, Reclaimable: 2, TotalSize: 6 });
  assert.equal(Items.length, 3);
});

test("missing cgroup features are warned of in Docker's words", () => {
  assert.deepEqual(cgroupWarnings({ ...all, swap: false }, 1), ["WARNING: No swap limit support"]);
  assert.equal(cgroupWarnings({ ...all, oomKillDisable: false }, 2), null);
});

test("os-release is read with and without quotes", () => {
  const system = readOsRelease('PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_ID=12\n');
  assert.equal(system.get("PRETTY_NAME"), "Debian GNU/Linux 12");
  assert.equal(system.get("VERSION_ID"), "12");
});
