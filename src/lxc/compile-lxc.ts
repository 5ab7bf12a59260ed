// The LXC execution driver: the container's root and a generated configuration, run by lxc-execute in the foreground.
//
//   shim ── lxc-execute (monitor) ── init.lxc (pid 1 in the container) ── program
//
// lxc-execute keeps the exit code and forwards signals; it dies with the shim's kill, and the container with it.

import { posix } from "node:path";
import { type CgroupPaths, cgroupPaths } from "#kernel/cgroups/paths.ts";
import { planRemove } from "#kernel/cgroups/plan-cgroup.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { planUntraceable } from "#libcontainer/compile.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import { O_CLOEXEC, O_DIRECTORY, O_PATH } from "#libcontainer/linux-flags.table.ts";
import { planJoinNamespaces, readNamespaces } from "#libcontainer/namespaces.ts";
import { ROOT_SLOT } from "#libcontainer/slots.ts";
import { planSysctls } from "#libcontainer/sysctl.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { lxcConfiguration } from "./configuration.ts";
import { networkSysctls } from "./expressible.ts";
import {
  type DriverPlan,
  type DriverRequest,
  planFile,
  planForeignProgram,
  planMachineStreams,
  planOwnMounts,
  processOf,
  rootPathOf,
} from "./foreign-program.ts";
import type { MachineFiles } from "./mount-entries.ts";
import { seccompPolicy } from "./seccomp-policy.ts";

/** Beside the container's cgroup: those that LXC makes for its own processes. */
export const monitorCgroup = (cgroup: string): string => `${cgroup}.lxc`;

export const cgroupOf = ({ id, spec }: Pick<DriverRequest, "id" | "spec">): string =>
  spec.linux?.cgroupsPath || `/${id}`;

export interface LxcHost extends Pick<HostFacts, "cgroups"> {
  readonly machine: MachineFiles;
}

/** LXC makes a cgroup in every hierarchy, also in that of version 2 beside those of version 1. */
export function lxcCgroups({ cgroups }: Pick<HostFacts, "cgroups">, path: string): CgroupPaths {
  const paths = cgroupPaths(cgroups, path);
  if (cgroups.v2 === undefined || paths.v2 !== undefined) return paths;
  const { mountPoint } = cgroups.v2;
  return { ...paths, v2: { mountPoint, directory: posix.join(mountPoint, path) } };
}

export function compileLxc(request: DriverRequest, host: LxcHost): DriverPlan {
  const { id, stateDir, spec } = request;
  const process = processOf(spec);
  const at = (name: string): string => posix.join(stateDir, name);
  const cgroup = cgroupOf(request);
  const configuration = lxcConfiguration(spec, process, {
    rootPath: rootPathOf(request),
    mountPoint: at("lxc-root"),
    cgroup: cgroup.replace(/^\/+/, ""),
    monitorCgroup: monitorCgroup(cgroup).replace(/^\/+/, ""),
    seccompProfile: at("lxc.seccomp"),
    ...host,
  });
  const seccomp = spec.linux?.seccomp;
  return {
    plan: [
      planUntraceable,
      ...planOwnMounts(request),
      ...planJoinNamespaces(readNamespaces(spec.linux)),
      ...planNetworkSysctls(spec),
      { op: "mkdir", why: "lxc.rootfs.mount", path: at("lxc-root"), mode: 0o700 },
      planFile("lxc.container.conf", at("lxc.conf"), configuration),
      ...(seccomp === undefined
        ? []
        : [planFile("lxc.seccomp.profile", at("lxc.seccomp"), seccompPolicy(seccomp))]),
      ...planMachineStreams(process),
      ...planForeignProgram("lxc-execute", [
        ...["-n", id, "-P", stateDir, "-f", at("lxc.conf"), "-o", at("lxc.log"), "-l", "ERROR", "--"],
        ...(process.args ?? []),
      ]),
    ],
    undo: [
      ...["/monitor", "/pivot", ""].flatMap((name) =>
        planRemove(lxcCgroups(host, monitorCgroup(cgroup) + name)),
      ),
      ...planRemove(lxcCgroups(host, cgroup)),
    ],
    warnings: [],
  };
}

/** The machine's /proc/sys/net shows the network namespace of whoever looks. */
function planNetworkSysctls(spec: Spec): Plan {
  const sysctls = Object.fromEntries(networkSysctls(spec));
  const root = { why: "root of the machine", slot: ROOT_SLOT };
  return [
    { op: "open", ...root, path: "/", flags: O_PATH | O_DIRECTORY | O_CLOEXEC },
    ...planSysctls(sysctls, { isPrivate: (type) => type === "network", hostname: undefined }),
    { op: "close", ...root },
  ];
}
