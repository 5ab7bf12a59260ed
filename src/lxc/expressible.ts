// What an OCI specification can ask for and LXC 5 has no words for. docs/execution-drivers.md has the table for people.

import { unsupported } from "#base/errors.ts";
import type { Linux, Process, Spec } from "#spec/oci-runtime.ts";

type Check = readonly [asked: boolean, what: string];

/** Throws `invalid`, naming the first thing that would be lost. */
const joinsNetwork = ({ linux }: Spec): boolean =>
  (linux?.namespaces ?? []).some(({ type, path }) => type === "network" && Boolean(path));

const sysctlsOf = ({ linux }: Spec): readonly (readonly [name: string, value: string])[] =>
  Object.entries(linux?.sysctl ?? {});

/** Of a network namespace that is there before LXC starts. */
export const networkSysctls = (spec: Spec): ReturnType<typeof sysctlsOf> =>
  joinsNetwork(spec) ? sysctlsOf(spec).filter(([name]) => name.startsWith("net.")) : [];

/** LXC sets them last: when /proc/sys is read-only, it fails. */
export const otherSysctls = (spec: Spec): ReturnType<typeof sysctlsOf> =>
  joinsNetwork(spec) ? sysctlsOf(spec).filter(([name]) => !name.startsWith("net.")) : sysctlsOf(spec);

export function checkExpressible(spec: Spec, process: Process): void {
  const found = [...specChecks(spec), ...processChecks(process), ...linuxChecks(spec.linux ?? {})].find(
    ([asked]) => asked,
  );
  if (found !== undefined) throw unsupported(`${found[1]} with runtime lxc`);
}

function specChecks(spec: Spec): readonly Check[] {
  const isReadonly = (spec.linux?.readonlyPaths ?? []).includes("/proc/sys");
  return [
    [Boolean(spec.domainname), "domainname"],
    [Object.values(spec.hooks ?? {}).some((hooks) => hooks.length > 0), "hooks"],
    ...otherSysctls(spec).map(([name]): Check => [isReadonly, `sysctl ${name} below a read-only /proc/sys`]),
  ];
}

function processChecks(process: Process): readonly Check[] {
  const { user, args, capabilities = {} } = process;
  const bounding = [...(capabilities.bounding ?? [])].toSorted().join();
  const differs = (set: readonly string[] | undefined): boolean => (set ?? []).toSorted().join() !== bounding;
  return [
    [args === undefined || args.length === 0, "process without args"],
    [user?.umask !== undefined, "process.user.umask"],
    [process.scheduler !== undefined, "process.scheduler"],
    [process.ioPriority !== undefined, "process.ioPriority"],
    [Boolean(process.apparmorProfile), "process.apparmorProfile"],
    [Boolean(process.selinuxLabel), "process.selinuxLabel"],
    [differs(capabilities.effective), "process.capabilities.effective other than bounding"],
    [differs(capabilities.permitted), "process.capabilities.permitted other than bounding"],
    [(capabilities.inheritable ?? []).length > 0, "process.capabilities.inheritable"],
    [(capabilities.ambient ?? []).length > 0, "process.capabilities.ambient"],
  ];
}

const joinable: ReadonlySet<string> = new Set(["network"]);
const creatable: ReadonlySet<string> = new Set(["mount", "pid", "ipc", "uts", "cgroup", "network"]);

function linuxChecks(linux: Linux): readonly Check[] {
  const namespaces = linux.namespaces ?? [];
  const propagation = linux.rootfsPropagation ?? "";
  return [
    ...namespaces.map(
      ({ type, path }): Check => [
        path ? !joinable.has(type) : !creatable.has(type),
        path ? `joining the ${type} namespace ${path}` : `a new ${type} namespace`,
      ],
    ),
    [
      !["", "slave", "rslave", "private", "rprivate"].includes(propagation),
      `rootfsPropagation ${propagation}`,
    ],
    [Object.keys(linux.timeOffsets ?? {}).length > 0, "linux.timeOffsets"],
    [(linux.uidMappings ?? []).length + (linux.gidMappings ?? []).length > 0, "linux.uidMappings"],
    [Object.keys(linux.resources?.unified ?? {}).length > 0, "linux.resources.unified"],
    [(linux.seccomp?.flags ?? []).length > 0, "linux.seccomp.flags"],
    [linux.personality !== undefined, "linux.personality"],
    [linux.memoryPolicy !== undefined, "linux.memoryPolicy"],
    [linux.intelRdt !== undefined, "linux.intelRdt"],
    [Object.keys(linux.netDevices ?? {}).length > 0, "linux.netDevices"],
    [Boolean(linux.mountLabel), "linux.mountLabel"],
  ];
}
