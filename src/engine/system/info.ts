// GET /info.

import { readdirSync } from "node:fs";
import { formatTime } from "#base/clock.ts";
import type { SystemInfo } from "#spec/engine-api/definitions.table.ts";
import { type ConfiguredRuntime, defaultRuntime, listRuntimes } from "../containers/runtimes.ts";
import { logDriverNames } from "../logs/drivers/drivers.ts";
import type { CgroupFacts, Machine } from "./machine.ts";
import { describeRegistries } from "./registries.ts";
import type { Release } from "./release.ts";

export interface InfoSettings {
  readonly dataRoot: string;
  readonly debug: boolean;
  readonly liveRestore: boolean;
  readonly labels: readonly string[];
  readonly runtimes?: Readonly<Record<string, ConfiguredRuntime>>;
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
  readonly containers: { readonly logDriver: string };
  /** Where containerd's API is served. */
  readonly containerdAddress: string;
}

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
  readonly release: Release;
  readonly machine: Machine;
  readonly cpus: number;
  readonly clock: { now(): bigint };
  readonly events: { readonly watcherCount: number };
  readonly containerd: { version(): Promise<{ readonly version: string; readonly revision: string }> };
  count(): Promise<InfoCounts>;
}

/** With fields that the definitions do not have, but clients of older versions read; an empty list of warnings is null. */
type Info = Omit<SystemInfo, "Warnings"> & { readonly [field: string]: unknown };

export async function describeSystem(deps: InfoDeps, minor: number): Promise<Info> {
  const [counts, containerd] = await Promise.all([deps.count(), deps.containerd.version()]);
  const { settings, machine } = deps;
  return {
    ID: deps.engineId,
    Containers: counts.running + counts.paused + counts.stopped,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.stopped,
    Images: counts.images,
    Driver: "overlay2",
    DriverStatus: [
      ["Supports d_type", "true"],
      ["Using metacopy", "false"],
      ["Native Overlay Diff", "true"],
      ["userxattr", "false"],
    ],
    Plugins: { Volume: ["local"], Network: ["bridge", "host", "null"], Log: logDriverNames },
    ...describeCgroups(machine),
    Debug: settings.debug,
    NFd: readdirSync("/proc/self/fd").length,
    NGoroutines: process.getActiveResourcesInfo().length,
    SystemTime: formatTime(deps.clock.now()),
    LoggingDriver: settings.containers.logDriver || "json-file",
    NEventsListener: deps.events.watcherCount,
    ...describeMachine(deps),
    ...describeRegistries(settings, minor),
    DockerRootDir: settings.dataRoot,
    Labels: settings.labels,
    ExperimentalBuild: false,
    ServerVersion: deps.release.version,
    ...describeRuntimes(deps, containerd),
    LiveRestoreEnabled: settings.liveRestore,
    ...newerFields(settings, minor),
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    Isolation: "",
    SecurityOptions: [
      "name=seccomp,profile=builtin",
      ...(machine.cgroupVersion === 2 ? ["name=cgroupns"] : []),
    ],
    Warnings: cgroupWarnings(machine.cgroups, machine.cgroupVersion),
  };
}

function describeMachine({ machine, cpus }: InfoDeps): Partial<SystemInfo> {
  return {
    KernelVersion: machine.kernelVersion,
    OperatingSystem: machine.operatingSystem,
    OSVersion: machine.osVersion,
    OSType: "linux",
    Architecture: machine.architecture,
    NCPU: cpus,
    MemTotal: machine.memoryTotal,
    Name: machine.hostname,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
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
    IPv4Forwarding: true,
    BridgeNfIptables: false,
    BridgeNfIp6tables: false,
    CgroupDriver: "cgroupfs",
    CgroupVersion: String(cgroupVersion),
  };
}

function describeRuntimes(
  { release, settings }: InfoDeps,
  containerd: { readonly revision: string; readonly version: string },
): Info {
  return {
    Runtimes: listRuntimes(settings.runtimes ?? {}),
    DefaultRuntime: defaultRuntime,
    InitBinary: "docker-init",
    ContainerdCommit: { ID: containerd.revision || containerd.version },
    RuncCommit: { ID: release.gitCommit || release.version },
    InitCommit: { ID: "" },
  };
}

function newerFields(settings: InfoSettings, minor: number): Info {
  const address = settings.containerdAddress;
  return {
    ...(minor >= 44 && { CDISpecDirs: [] }),
    ...(minor >= 46 && {
      Containerd: { Address: address, Namespaces: { Containers: "moby", Plugins: "plugins.moby" } },
    }),
    ...(minor >= 49 && { FirewallBackend: { Driver: "nftables" } }),
  };
}

const warningOf: Readonly<Record<keyof CgroupFacts, string>> = {
  memory: "memory limit",
  swap: "swap limit",
  oomKillDisable: "oom kill disable",
  cpuQuota: "cpu cfs quota",
  cpuPeriod: "cpu cfs period",
  cpuShares: "cpu shares",
  cpuset: "cpuset",
  pids: "pids limit",
};

/** Docker's warnings about what the kernel or its command line leaves out; null is none. */
export function cgroupWarnings(facts: CgroupFacts, version: 1 | 2): readonly string[] | null {
  const warnings = Object.entries(warningOf)
    .filter(([name]) => !Object.entries(facts).some(([fact, given]) => fact === name && given))
    .filter(([name]) => name !== "oomKillDisable" || version === 1)
    .map(([, what]) => `WARNING: No ${what} support`);
  return warnings.length === 0 ? null : warnings;
}
