// What `docker info` and `docker version` tell of the machine. Read once; nothing here changes while the daemon runs.

import { existsSync, readFileSync } from "node:fs";
import { hostname, machine, release, totalmem } from "node:os";

export interface Machine {
  readonly kernelVersion: string;
  /** "Debian GNU/Linux 12 (bookworm)" */
  readonly operatingSystem: string;
  readonly osVersion: string;
  /** The kernel's name: "x86_64". */
  readonly architecture: string;
  /** Go's name: "amd64". */
  readonly goArchitecture: string;
  readonly memoryTotal: number;
  readonly hostname: string;
  readonly cgroupVersion: 1 | 2;
  readonly cgroups: CgroupFacts;
}

/** What of Docker's resource settings the mounted cgroups can do. */
export interface CgroupFacts {
  readonly memory: boolean;
  readonly swap: boolean;
  readonly oomKillDisable: boolean;
  readonly cpuPeriod: boolean;
  readonly cpuQuota: boolean;
  readonly cpuShares: boolean;
  readonly cpuset: boolean;
  readonly pids: boolean;
}

/** `root` is where the machine's own files are found; tests give another. */
export function readMachine(root = ""): Machine {
  const system = readOsRelease(readText(`${root}/etc/os-release`));
  const cgroupVersion = existsSync(`${root}/sys/fs/cgroup/cgroup.controllers`) ? 2 : 1;
  const architecture = machine();
  return {
    kernelVersion: release(),
    operatingSystem: system.get("PRETTY_NAME") ?? "Linux",
    osVersion: system.get("VERSION_ID") ?? "",
    architecture,
    goArchitecture: goArchitectures[architecture] ?? architecture,
    memoryTotal: totalmem(),
    hostname: hostname(),
    cgroupVersion,
    cgroups: cgroupVersion === 2 ? readCgroupsV2(root) : readCgroupsV1(root),
  };
}

const goArchitectures: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** KEY=value or KEY="value" lines. */
export const readOsRelease = (text: string): ReadonlyMap<string, string> =>
  new Map(
    [...text.matchAll(/^([A-Z_]+)=(["']?)(.*)\2$/gm)].map(([, key = "", , value = ""]) => [key, value]),
  );

function readCgroupsV1(root: string): CgroupFacts {
  const has = (file: string): boolean => existsSync(`${root}/sys/fs/cgroup/${file}`);
  return {
    memory: has("memory/memory.limit_in_bytes"),
    swap: has("memory/memory.memsw.limit_in_bytes"),
    oomKillDisable: has("memory/memory.oom_control"),
    cpuPeriod: has("cpu/cpu.cfs_period_us"),
    cpuQuota: has("cpu/cpu.cfs_quota_us"),
    cpuShares: has("cpu/cpu.shares"),
    cpuset: has("cpuset/cpuset.cpus"),
    pids: has("pids"),
  };
}

function readCgroupsV2(root: string): CgroupFacts {
  const controllers = new Set(readText(`${root}/sys/fs/cgroup/cgroup.controllers`).trim().split(/\s+/));
  const [memory, cpu] = [controllers.has("memory"), controllers.has("cpu")];
  return {
    memory,
    swap: memory && existsSync(`${root}/proc/swaps`),
    oomKillDisable: false,
    cpuPeriod: cpu,
    cpuQuota: cpu,
    cpuShares: cpu,
    cpuset: controllers.has("cpuset"),
    pids: controllers.has("pids"),
  };
}
