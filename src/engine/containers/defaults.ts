// What the daemon's configuration gives to containers that do not say otherwise.

import type { HostConfig } from "#spec/container-config.ts";

export interface ContainerDefaults {
  /** "" leaves Docker's own default. */
  readonly cgroupParent: string;
  readonly cgroupnsMode: string;
  readonly ipcMode: string;
  readonly runtime: string;
  readonly noNewPrivileges: boolean;
  /** "builtin", "unconfined", or the text of a profile. */
  readonly seccompProfile: string;
  readonly shmSize?: number;
  readonly ulimits: NonNullable<HostConfig["Ulimits"]>;
}

export function applyDefaults(given: HostConfig, defaults: ContainerDefaults): HostConfig {
  const asked = given.Ulimits ?? [];
  const missing = defaults.ulimits.filter(({ Name }) => !asked.some((ulimit) => ulimit.Name === Name));
  const security = securityDefaults(given, defaults);
  return {
    ...given,
    CgroupParent: given.CgroupParent || defaults.cgroupParent,
    CgroupnsMode: given.CgroupnsMode || defaults.cgroupnsMode,
    IpcMode: given.IpcMode || defaults.ipcMode,
    Runtime: given.Runtime || defaults.runtime,
    ShmSize: given.ShmSize === 0 ? (defaults.shmSize ?? 0) : given.ShmSize,
    ...(missing.length > 0 && { Ulimits: [...asked, ...missing] }),
    ...(security.length > 0 && { SecurityOpt: [...(given.SecurityOpt ?? []), ...security] }),
  };
}

/** Options that the container then has as if it had asked for them. A privileged one has no seccomp profile anyway. */
function securityDefaults(
  { SecurityOpt, Privileged, PidMode, IpcMode }: HostConfig,
  { noNewPrivileges, seccompProfile }: ContainerDefaults,
): readonly string[] {
  const seesHost = Privileged || PidMode === "host" || IpcMode === "host";
  const says = (name: string): boolean => (SecurityOpt ?? []).some((option) => option.startsWith(name));
  return [
    ...(noNewPrivileges && !says("no-new-privileges") ? ["no-new-privileges"] : []),
    ...(seccompProfile !== "builtin" && !Privileged && !says("seccomp") ? [`seccomp=${seccompProfile}`] : []),
    ...(seesHost && !says("label") ? ["label=disable"] : []),
  ];
}
