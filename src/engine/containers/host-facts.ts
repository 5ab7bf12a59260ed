// What this machine allows, read once at the daemon's start.

import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { capabilityNames } from "#spec/capabilities.table.ts";
import type { CpuFacts } from "./validate-resources.ts";

export type BlockControl = "weight" | "weight_device";

export interface HostFacts extends CpuFacts {
  readonly cgroupVersion: 1 | 2;
  readonly hasCpuset: boolean;
  /** The daemon's bounding set. */
  readonly capabilities: ReadonlySet<string>;
  /** The daemon's own hard limits by ulimit name; a name that is missing is unlimited. */
  readonly hardLimits: ReadonlyMap<string, number>;
  readonly hostname: string;
  /** Settings of block devices that this kernel has no files for. */
  readonly lacking?: ReadonlySet<BlockControl>;
  /** Security modules that are on; missing: none. */
  readonly securityModules?: ReadonlySet<"apparmor" | "selinux">;
  /** What tells of the processors' temperature, and so of what others compute: masked in containers. */
  readonly thermalPaths: readonly string[];
  /** Names of runtimes that the daemon's configuration adds. */
  readonly configuredRuntimes?: readonly string[];
  /** Directories of CDI files, the most important last. */
  readonly cdiDirectories?: readonly string[];
  /** What --init runs, and whether a container gets it that does not say. Missing: there is none. */
  readonly init?: { readonly program: string; readonly byDefault: boolean };
}

export function readHostFacts(): HostFacts {
  const status = readFileSync("/proc/self/status", "utf8");
  const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const mask = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return {
    cpus: availableParallelism(),
    onlineCpus: readLine("/sys/devices/system/cpu/online", "0"),
    onlineMems: readLine("/sys/devices/system/node/online", "0"),
    cgroupVersion: unified ? 2 : 1,
    hasCpuset: unified
      ? /\bcpuset\b/.test(readLine("/sys/fs/cgroup/cgroup.controllers", ""))
      : existsSync("/sys/fs/cgroup/cpuset"),
    // The table is in the kernel's order: an index is a bit.
    capabilities: new Set(capabilityNames.filter((_, bit) => (mask >> BigInt(bit)) & 1n)),
    hardLimits: readHardLimits(readFileSync("/proc/self/limits", "utf8")),
    hostname: readLine("/proc/sys/kernel/hostname", "localhost"),
    thermalPaths: findThermalPaths("/sys/devices/system/cpu"),
    lacking: new Set(
      (["weight", "weight_device"] as const).filter((name) => !unified && !hasBlockControl(name)),
    ),
    securityModules: new Set([
      ...(readLine("/sys/module/apparmor/parameters/enabled", "N") === "Y" ? (["apparmor"] as const) : []),
      ...(existsSync("/sys/fs/selinux/enforce") ? (["selinux"] as const) : []),
    ]),
  };
}

const hasBlockControl = (name: BlockControl): boolean =>
  ["blkio.", "blkio.bfq."].some((prefix) => existsSync(`/sys/fs/cgroup/blkio/${prefix}${name}`));

const limitLabels: Readonly<Record<string, string>> = {
  "cpu time": "cpu",
  "file size": "fsize",
  "data size": "data",
  "stack size": "stack",
  "core file size": "core",
  "resident set": "rss",
  processes: "nproc",
  "open files": "nofile",
  "locked memory": "memlock",
  "pending signals": "sigpending",
  "msgqueue size": "msgqueue",
  "nice priority": "nice",
  "realtime priority": "rtprio",
  "realtime timeout": "rttime",
};

/** /proc/self/limits: "Max open files            1024                 524288               files". */
export function readHardLimits(text: string): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const [, label = "", hard = ""] of text.matchAll(/^Max (.+?)\s{2,}\S+\s+(\d+)\b/gm)) {
    const name = limitLabels[label];
    if (name !== undefined) limits.set(name, Number(hard));
  }
  return limits;
}

/** cpuN/thermal_throttle of every processor that may come online. `directory`: /sys/devices/system/cpu. */
export function findThermalPaths(directory: string): readonly string[] {
  const ranges = readLine(join(directory, "possible"), "").matchAll(/(\d+)(?:-(\d+))?/g);
  return [...ranges]
    .flatMap(([, first = "", last = first]) =>
      Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index),
    )
    .map((cpu) => join(directory, `cpu${cpu}`, "thermal_throttle"))
    .filter((path) => existsSync(path));
}

function readLine(path: string, fallback: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return fallback;
  }
}
