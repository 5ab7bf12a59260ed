// GET /info.

import { readdirSync, statfsSync } from "node:fs";
import { formatTime } from "#base/clock.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import { storageDriverOf } from "#engine/disk/storage-driver.ts";
import type { SystemInfo } from "#spec/engine-api/definitions.table.ts";
import { listCdiDevices } from "../containers/cdi-specs.ts";
import { defaultCdiDirectories } from "../containers/device-requests.ts";
import { defaultRuntime, listRuntimes } from "../containers/runtimes.ts";
import { logDriverNames } from "../logs/drivers/drivers.ts";
import type { InfoSettings } from "./info-settings.ts";
import type { Machine } from "./machine.ts";
import { describeRegistries } from "./registries.ts";
import type { Release } from "./release.ts";
import { isForwarding, systemWarnings } from "./warnings.ts";

export interface InfoCounts {
  readonly running: number;
  readonly paused: number;
  readonly stopped: number;
  readonly images: number;
}

export interface InfoDeps {
  /** The engine's own id, the same after each restart. */
  readonly engineId: string;
  readonly settings: InfoSettings;
  /** Names of those that have been used. */
  readonly volumePlugins: () => readonly string[];
  /** Of the networks that there are. */
  readonly networkDrivers: () => readonly string[];
  readonly release: Release;
  readonly machine: Machine;
  readonly cpus: number;
  readonly clock: { now(): bigint };
  readonly events: { readonly watcherCount: number };
  readonly snapshots: Pick<Snapshotter, "name">;
  readonly containerd: { version(): Promise<{ readonly version: string; readonly revision: string }> };
  count(): Promise<InfoCounts>;
}

/** With fields that the definitions do not have, but clients of older versions read; an empty list of warnings is null. */
type Info = Omit<SystemInfo, "Warnings" | "Plugins" | "GenericResources" | "DriverStatus"> & {
  /** None of copies. */
  readonly DriverStatus?: SystemInfo["DriverStatus"] | null;
  readonly [field: string]: unknown;
};

const builtInNetworks = ["bridge", "host", "ipvlan", "macvlan", "null", "overlay", "private"];

/** As dockerd: plugins of networks are those that there are networks of. */
const describePlugins = ({
  settings: { authorizationPlugins },
  volumePlugins,
  networkDrivers,
}: InfoDeps) => ({
  Volume: ["local", ...volumePlugins()],
  Network: [...new Set([...builtInNetworks, ...networkDrivers()])].sort(),
  Authorization: authorizationPlugins.length === 0 ? null : authorizationPlugins,
  Log: logDriverNames,
});

const describePools = ({ addressPools }: InfoSettings) =>
  addressPools.length > 0 && {
    DefaultAddressPools: addressPools.map(({ base, size }) => ({ Base: base, Size: size })),
  };

export async function describeSystem(deps: InfoDeps, minor: number): Promise<Info> {
  const { settings, machine } = deps;
  const directories = cdiDirectoriesOf(settings);
  const [counts, containerd, devices] = await Promise.all([
    deps.count(),
    deps.containerd.version(),
    listCdiDevices(minor < 50 ? [] : directories),
  ]);
  return {
    ID: deps.engineId,
    Containers: counts.running + counts.paused + counts.stopped,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.stopped,
    Images: counts.images,
    Driver: storageDriverOf(deps.snapshots.name),
    DriverStatus:
      deps.snapshots.name === "native"
        ? null
        : [
            ["Backing Filesystem", backingFilesystem(settings.dataRoot)],
            ["Supports d_type", "true"],
            ["Using metacopy", "false"],
            ["Native Overlay Diff", "true"],
            ["userxattr", "false"],
          ],
    ...describePools(settings),
    Plugins: describePlugins(deps),
    ...describeCgroups(machine),
    IPv4Forwarding: isForwarding(),
    ...(minor < 50 && { BridgeNfIptables: false, BridgeNfIp6tables: false }),
    Debug: settings.debug,
    NFd: readdirSync("/proc/self/fd").length,
    NGoroutines: process.getActiveResourcesInfo().length,
    SystemTime: formatTime(deps.clock.now()),
    LoggingDriver: settings.containers.logDriver || "json-file",
    NEventsListener: deps.events.watcherCount,
    ...describeMachine(deps),
    ...describeRegistries(settings, minor),
    DockerRootDir: settings.dataRoot,
    GenericResources: null,
    Labels: settings.labels,
    ExperimentalBuild: settings.experimental,
    ServerVersion: deps.release.version,
    ...describeRuntimes(deps, containerd, minor),
    LiveRestoreEnabled: settings.liveRestore,
    ...newerFields(settings, minor),
    ...(minor >= 50 && { DiscoveredDevices: devices.map((ID) => ({ Source: "cdi", ID })) }),
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    Isolation: "",
    SecurityOptions: describeSecurity(settings, machine),
    Warnings: systemWarnings(deps),
  };
}

/** As dockerd shows the address of a proxy. */
function withoutPassword(proxy: string): string {
  const url = URL.parse(proxy);
  if (url === null || (url.username === "" && url.password === "")) return proxy;
  return proxy.replace(/\/\/[^/]*@/, "//xxxxx:xxxxx@");
}

function describeMachine({ machine, cpus, settings }: InfoDeps): Partial<SystemInfo> {
  return {
    KernelVersion: machine.kernelVersion,
    OperatingSystem: machine.operatingSystem,
    OSVersion: machine.osVersion,
    OSType: "linux",
    Architecture: machine.architecture,
    NCPU: cpus,
    MemTotal: machine.memoryTotal,
    Name: machine.hostname,
    HttpProxy: withoutPassword(settings.proxies?.httpProxy ?? ""),
    HttpsProxy: withoutPassword(settings.proxies?.httpsProxy ?? ""),
    NoProxy: settings.proxies?.noProxy ?? "",
  };
}

function describeCgroups({ cgroups, cgroupVersion }: Machine): Info {
  return {
    MemoryLimit: cgroups.memory,
    SwapLimit: cgroups.swap,
    CpuCfsPeriod: cgroups.cpuPeriod,
    CpuCfsQuota: cgroups.cpuQuota,
    CPUShares: cgroups.cpuShares,
    CPUSet: cgroups.cpuset,
    PidsLimit: cgroups.pids,
    OomKillDisable: cgroups.oomKillDisable,
    CgroupDriver: "cgroupfs",
    CgroupVersion: String(cgroupVersion),
  };
}

function describeRuntimes(
  { release, settings }: InfoDeps,
  containerd: { readonly revision: string; readonly version: string },
  minor: number,
): Info {
  const commit = (id: string) => ({ ID: id, ...(minor < 49 && { Expected: id }) });
  return {
    Runtimes: listRuntimes(settings.runtimes ?? {}),
    DefaultRuntime: settings.containers.runtime || defaultRuntime,
    InitBinary: settings.initPath || "docker-init",
    ContainerdCommit: commit(containerd.revision || containerd.version),
    RuncCommit: commit(release.gitCommit || release.version),
    InitCommit: commit(settings.initPath === "" ? release.gitCommit || release.version : ""),
  };
}

const cdiDirectoriesOf = ({ cdiDirectories = [] }: InfoSettings): readonly string[] =>
  cdiDirectories.length > 0 ? cdiDirectories : defaultCdiDirectories;

function newerFields(settings: InfoSettings, minor: number): Info {
  const { containerdAddress: address } = settings;
  return {
    ...(minor >= 44 && { CDISpecDirs: cdiDirectoriesOf(settings) }),
    ...(minor >= 46 && {
      Containerd: { Address: address, Namespaces: { Containers: "moby", Plugins: "plugins.moby" } },
    }),
    ...(minor >= 49 && { FirewallBackend: { Driver: "nftables" } }),
  };
}

function describeSecurity(
  { containers, userNamespaces }: InfoSettings,
  { cgroupVersion }: Machine,
): readonly string[] {
  const { seccompProfile, cgroupnsMode, noNewPrivileges } = containers;
  const privateCgroups = (cgroupnsMode || (cgroupVersion === 2 ? "private" : "host")) === "private";
  return [
    `name=seccomp,profile=${seccompProfile}`,
    ...(userNamespaces === true ? ["name=userns"] : []),
    ...(privateCgroups ? ["name=cgroupns"] : []),
    ...(noNewPrivileges ? ["name=no-new-privileges"] : []),
  ];
}

/** Docker's names of file systems by their magic numbers (man 2 statfs). */
const filesystems: Readonly<Record<number, string>> = {
  61267: "extfs",
  16914836: "tmpfs",
  1481003842: "xfs",
  2435016766: "btrfs",
  2035054128: "overlayfs",
  801189825: "zfs",
};

const backingFilesystem = (path: string): string => filesystems[statfsSync(path).type] ?? "<unknown>";
