// What compiling a plan must know of this machine. Read once by a program, given to every compilation.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { release } from "node:os";
import { type CgroupLayout, type KnownMounts, readCgroupLayout } from "#kernel/cgroups/layout.ts";
import { type Limit, parseLimits } from "#kernel/procfs/limits.ts";
import { parseStatus } from "#kernel/procfs/status.ts";

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

export interface HostFacts {
  /** Node's name of the machine: "x64", "arm64". */
  readonly arch: string;
  readonly kernel: KernelVersion;
  /** Capabilities that the executing processes hold and can pass on: bit n is capability n. */
  readonly grantable: bigint;
  /** Own limits by name ("RLIMIT_NOFILE"); the executing processes have the same. */
  readonly limits: ReadonlyMap<string, Limit>;
  readonly oomScoreAdj: number;
  readonly cgroups: CgroupLayout;
  readonly hasKeyrings: boolean;
  readonly hasKcore: boolean;
  /** The runtime runs in one that is not the machine's: it can make no device nodes. */
  readonly inUserNamespace?: boolean;
  /** "apparmor", "selinux": those that the kernel has and uses. */
  readonly securityModules?: ReadonlySet<string>;
  /** "L3", "MB": what processors can share out, by the kernel's resctrl. */
  readonly resctrl?: ReadonlySet<string>;
  /** Of the kernel: "pid", "time"; absent is every one there is. */
  readonly namespaces?: ReadonlySet<string>;
  /** Identity of the executing processes' network namespace. */
  readonly network?: string | undefined;
  /** Of the executing processes: effective. */
  readonly ids?: { readonly uid: number; readonly gid: number };
}

const RESCTRL = "/sys/fs/resctrl/info";

const read = (path: string): string => readFileSync(path, "utf8");

/** `executing`: the process whose rights and limits what it starts will have. */
export function readHostFacts(executing: number | "self" = "self", known?: KnownMounts): HostFacts {
  const status = read(`/proc/${executing}/status`);
  const { capBounding, capPermitted } = parseStatus(status);
  return {
    arch: process.arch,
    kernel: parseKernelVersion(release()),
    grantable: capBounding & capPermitted,
    limits: parseLimits(read(`/proc/${executing}/limits`)),
    oomScoreAdj: Number(read(`/proc/${executing}/oom_score_adj`)),
    cgroups: readCgroupLayout(executing, known),
    hasKeyrings: existsSync("/proc/keys"),
    hasKcore: existsSync("/proc/kcore"),
    inUserNamespace: !/^\s*0\s+0\s+4294967295\s*$/.test(read(`/proc/${executing}/uid_map`)),
    securityModules: readSecurityModules(),
    resctrl: new Set(existsSync(RESCTRL) ? readdirSync(RESCTRL) : []),
    namespaces: new Set(readdirSync(`/proc/${executing}/ns`)),
    network: findIdentity(`/proc/${executing}/ns/net`),
    ids: { uid: effectiveId(status, "Uid"), gid: effectiveId(status, "Gid") },
  };
}

/** Two paths with the same one lead to the same file. */
export function findIdentity(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

const effectiveId = (status: string, name: "Uid" | "Gid"): number =>
  Number(new RegExp(`^${name}:\\s*\\d+\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);

const APPARMOR_ENABLED = "/sys/module/apparmor/parameters/enabled";

function readSecurityModules(): ReadonlySet<string> {
  const modules = new Set<string>();
  if (existsSync(APPARMOR_ENABLED) && read(APPARMOR_ENABLED).startsWith("Y")) modules.add("apparmor");
  if (existsSync("/sys/fs/selinux/status")) modules.add("selinux");
  return modules;
}

function parseKernelVersion(text: string): KernelVersion {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return { major: Number(major), minor: Number(minor) };
}

export const kernelIsAtLeast = (kernel: KernelVersion, major: number, minor: number): boolean =>
  kernel.major > major || (kernel.major === major && kernel.minor >= minor);
