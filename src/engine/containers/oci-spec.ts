// A container's settings as an OCI runtime specification. Pure: what must be looked up is in the input.

import { posix } from "node:path";
import type { Linux, NamespaceType, Process, Resources, Seccomp, Spec } from "#spec/oci-runtime.ts";
import { decideCapabilities } from "./capabilities.ts";
import { containerEnv } from "./environment.ts";
import type { HostDevices } from "./host-devices.ts";
import type { HostFacts } from "./host-facts.ts";
import { initMounts, withInit } from "./init-process.ts";
import { planOciMounts, rootPropagation } from "./oci-spec-mounts.ts";
import { planDeviceRules, planResources } from "./oci-spec-resources.ts";
import type { ContainerRecord } from "./record.ts";
import { planRlimits } from "./rlimits.ts";
import { confinementOf, parseSecurityOptions } from "./security-opt.ts";
import type { IpcPlan } from "./shared-memory.ts";
import type { ContainerUser } from "./user.ts";

export interface SpecInput {
  readonly record: ContainerRecord;
  readonly user: ContainerUser;
  readonly devices: HostDevices;
  readonly host: HostFacts;
  /** Network namespace to join; "" is the host's. */
  readonly netns: string;
  /** User namespace to join; undefined: the host's, or a new one if the record has id maps. */
  readonly userns?: string | undefined;
  /** Pid namespace to join; undefined for one of its own or the host's. */
  readonly pidns: string | undefined;
  readonly ipc: IpcPlan;
  /** Variables that tell of linked containers. */
  readonly links: readonly string[];
  readonly etcDir: string;
  /** Docker's profile, or the JSON text of one, for a capability set. */
  readonly seccomp: (profile: string, capabilities: readonly string[]) => Seccomp;
}

export function buildSpec(input: SpecInput): Spec {
  const { config, hostConfig, mounts } = input.record;
  const ownUts = hostConfig.UTSMode !== "host";
  return {
    ociVersion: "1.2.0",
    root: { path: "rootfs", readonly: hostConfig.ReadonlyRootfs },
    ...(ownUts && { hostname: config.Hostname }),
    ...(ownUts && config.Domainname !== "" && { domainname: config.Domainname }),
    mounts: [
      ...planOciMounts({
        hostConfig,
        mounts,
        etcDir: input.etcDir,
        sharedMemory: input.ipc.sharedMemory,
        idMaps: input.record.idMaps,
      }),
      ...initMounts(hostConfig, input.host),
    ],
    process: buildProcess(input),
    ...(hostConfig.Annotations !== undefined && { annotations: hostConfig.Annotations }),
    linux: buildLinux(input),
  };
}

function buildProcess({ record, user, host, links }: SpecInput): Process {
  const { config, hostConfig } = record;
  const [height = 0, width = 0] = hostConfig.ConsoleSize;
  const { granted } = decideCapabilities(hostConfig, host.capabilities);
  return {
    terminal: config.Tty,
    ...(config.Tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
    cwd: config.WorkingDir === "" ? "/" : posix.resolve("/", config.WorkingDir),
    env: containerEnv(config, user.home, links),
    args: withInit(hostConfig, host, [record.path, ...record.args]),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    capabilities: capabilitySets(granted),
    rlimits: planRlimits(hostConfig.Ulimits, host).rlimits,
    ...confinementOf(hostConfig.SecurityOpt, host),
    ...(hostConfig.OomScoreAdj !== 0 && { oomScoreAdj: hostConfig.OomScoreAdj }),
  };
}

/** Nothing is inheritable or ambient: CVE-2022-24769, CVE-2016-8867. */
export const capabilitySets = (granted: readonly string[]): NonNullable<Process["capabilities"]> => ({
  bounding: granted,
  effective: granted,
  permitted: granted,
});

function buildLinux(input: SpecInput): Linux {
  const { hostConfig, id, mounts } = input.record;
  const propagation = rootPropagation(mounts);
  const seccomp = planSeccomp(input);
  return {
    namespaces: planNamespaces(input),
    ...(input.record.idMaps !== undefined && {
      uidMappings: input.record.idMaps.uids,
      gidMappings: input.record.idMaps.gids,
    }),
    devices: input.devices.nodes,
    cgroupsPath: posix.join("/", hostConfig.CgroupParent || "docker", id),
    resources: buildResources(input),
    sysctl: planSysctls(input),
    ...(propagation !== undefined && { rootfsPropagation: propagation }),
    ...(seccomp !== undefined && { seccomp }),
    maskedPaths: hostConfig.MaskedPaths ?? [],
    readonlyPaths: hostConfig.ReadonlyPaths ?? [],
  };
}

function buildResources({ record, devices }: Pick<SpecInput, "record" | "devices">): Resources {
  const { hostConfig } = record;
  const limits = planResources(hostConfig);
  const hasThrottles = Object.keys(devices.blockIo).length > 0;
  return {
    ...limits,
    ...(hasThrottles && { blockIO: { ...limits.blockIO, ...devices.blockIo } }),
    devices: planDeviceRules(hostConfig.Privileged, devices.rules, hostConfig.DeviceCgroupRules ?? []),
  };
}

function planNamespaces({ record, netns, userns, pidns, ipc }: SpecInput): NonNullable<Linux["namespaces"]> {
  const { hostConfig } = record;
  const own: NamespaceType[] = ["mount"];
  if (hostConfig.UTSMode !== "host") own.push("uts");
  if (hostConfig.PidMode === "") own.push("pid");
  if (hostConfig.IpcMode !== "host" && ipc.namespace === undefined) own.push("ipc");
  if (hostConfig.CgroupnsMode === "private") own.push("cgroup");
  const user = { type: "user", ...(userns !== undefined && { path: userns }) } as const;
  return [
    ...own.map((type) => ({ type })),
    ...(record.idMaps === undefined ? [] : [user]),
    ...(ipc.namespace === undefined ? [] : [{ type: "ipc", path: ipc.namespace } as const]),
    ...(pidns === undefined ? [] : [{ type: "pid", path: pidns } as const]),
    ...(netns === "" ? [] : [{ type: "network", path: netns } as const]),
  ];
}

function planSysctls({ record, netns }: SpecInput): Readonly<Record<string, string>> {
  const defaults = {
    "net.ipv4.ip_unprivileged_port_start": "0",
    // Groups that a user namespace does not map cannot be named in it.
    ...(record.idMaps === undefined && { "net.ipv4.ping_group_range": "0 2147483647" }),
  };
  return { ...(netns !== "" && defaults), ...record.hostConfig.Sysctls };
}

function planSeccomp({ record, host, seccomp }: SpecInput): Seccomp | undefined {
  const { hostConfig } = record;
  const profile = parseSecurityOptions(hostConfig.SecurityOpt).seccomp;
  if (profile === "unconfined") return undefined;
  if (hostConfig.Privileged && profile === "builtin") return undefined;
  return seccomp(profile, decideCapabilities(hostConfig, host.capabilities).granted);
}
