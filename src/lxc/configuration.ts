// An OCI specification in the words of lxc.container.conf(5).

import { invalid } from "#base/errors.ts";
import { containerDevicePolicy, deviceWrites } from "#kernel/cgroups/device-rules.ts";
import { type CgroupLayout, isUnified } from "#kernel/cgroups/layout.ts";
import { settingsV1 } from "#kernel/cgroups/settings-v1.ts";
import { settingsV2 } from "#kernel/cgroups/settings-v2.ts";
import type { NamespaceType, Process, Resources, Rlimit, Spec } from "#spec/oci-runtime.ts";
import { checkExpressible, otherSysctls } from "./expressible.ts";
import { type MachineFiles, mountEntries } from "./mount-entries.ts";

export interface ConfigurationPlaces {
  readonly rootPath: string;
  /** Where LXC mounts the root before it pivots. */
  readonly mountPoint: string;
  /** Below each hierarchy: of the container, and of LXC's own processes. */
  readonly cgroup: string;
  readonly monitorCgroup: string;
  readonly seccompProfile: string;
  readonly cgroups: CgroupLayout;
  readonly machine: MachineFiles;
}

type Line = readonly [key: string, value: string | number];

/** Throws what LXC has no words for. */
export function lxcConfiguration(spec: Spec, process: Process, places: ConfigurationPlaces): string {
  checkExpressible(spec, process);
  const lines = [
    ...rootLines(spec, places),
    ...namespaceLines(spec),
    ...cgroupLines(spec.linux?.resources ?? {}, places),
    ...processLines(process),
    ...otherSysctls(spec).map(([name, value]): Line => [`lxc.sysctl.${name}`, value]),
    ...(spec.linux?.seccomp === undefined ? [] : [["lxc.seccomp.profile", places.seccompProfile] as const]),
  ];
  return lines.map(([key, value]) => `${key} = ${checkValue(key, String(value))}\n`).join("");
}

/** A value is a line without what surrounds it. */
function checkValue(key: string, value: string): string {
  if (/[\n\0]/.test(value) || value !== value.trim())
    throw invalid(`runtime lxc: ${key} cannot hold ${JSON.stringify(value)}`);
  return value;
}

function rootLines(spec: Spec, { rootPath, mountPoint, machine }: ConfigurationPlaces): readonly Line[] {
  const { automatic, entries, ownDevices } = mountEntries(spec, machine);
  return [
    ["lxc.rootfs.path", `dir:${rootPath}`],
    ["lxc.rootfs.mount", mountPoint],
    ...(spec.root?.readonly === true ? [["lxc.rootfs.options", "ro"] as const] : []),
    ["lxc.autodev", ownDevices ? 1 : 0],
    ["lxc.tty.max", 0],
    ["lxc.pty.max", 1024],
    ["lxc.console.path", "none"],
    ...automatic.map((value): Line => ["lxc.mount.auto", value]),
    ...entries.map((entry): Line => ["lxc.mount.entry", entry]),
  ];
}

const namespaceNames: Readonly<Partial<Record<NamespaceType, string>>> = {
  mount: "mnt",
  pid: "pid",
  ipc: "ipc",
  uts: "uts",
  cgroup: "cgroup",
  network: "net",
};

/** A namespace that is joined by path was entered before LXC started, and is inherited from it. */
function namespaceLines({ hostname, linux }: Spec): readonly Line[] {
  const created = (linux?.namespaces ?? []).filter(({ path }) => path === undefined || path === "");
  const names = created.flatMap(({ type }) => namespaceNames[type] ?? []);
  return [
    ["lxc.namespace.clone", names.join(" ")],
    ["lxc.net.0.type", names.includes("net") ? "empty" : "none"],
    ...(hostname ? [["lxc.uts.name", hostname] as const] : []),
  ];
}

function cgroupLines(resources: Resources, places: ConfigurationPlaces): readonly Line[] {
  const unified = isUnified(places.cgroups);
  const prefix = unified ? "lxc.cgroup2" : "lxc.cgroup";
  const settings = unified ? settingsV2(resources) : settingsV1(resources);
  const { devices: rules } = resources;
  const devices = rules === undefined ? [] : deviceWrites(containerDevicePolicy(rules));
  return [
    ["lxc.cgroup.dir.container", places.cgroup],
    ["lxc.cgroup.dir.monitor", `${places.monitorCgroup}/monitor`],
    ["lxc.cgroup.dir.monitor.pivot", `${places.monitorCgroup}/pivot`],
    ...devices.map(({ file, value }): Line => [`${prefix}.${file}`, value]),
    ...settings.map(({ file, value }): Line => [`${prefix}.${file}`, value]),
  ];
}

function processLines(process: Process): readonly Line[] {
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {};
  const kept = (process.capabilities?.bounding ?? []).map((name) => name.replace(/^CAP_/, "").toLowerCase());
  return [
    ["lxc.init.uid", uid],
    ["lxc.init.gid", gid],
    ...(additionalGids.length > 0 ? [["lxc.init.groups", additionalGids.join(",")] as const] : []),
    ["lxc.init.cwd", process.cwd],
    ["lxc.no_new_privs", process.noNewPrivileges === true ? 1 : 0],
    ...(process.oomScoreAdj === undefined ? [] : [["lxc.proc.oom_score_adj", process.oomScoreAdj] as const]),
    ...(process.rlimits ?? []).map(limitLine),
    ...(kept.length === 0
      ? [["lxc.cap.keep", "none"] as const]
      : kept.map((name): Line => ["lxc.cap.keep", name])),
    ...(process.env ?? []).map((variable): Line => ["lxc.environment", variable]),
  ];
}

function limitLine({ type, soft, hard }: Rlimit): Line {
  const text = (value: number): string => (value < 0 || value >= 2 ** 63 ? "unlimited" : String(value));
  return [`lxc.prlimit.${type.replace(/^RLIMIT_/, "").toLowerCase()}`, `${text(soft)}:${text(hard)}`];
}
