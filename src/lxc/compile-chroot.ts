// The oldest driver: another root directory and nothing else. No namespace but that of the mounts (so that the root file system ends
// with the container), no capability taken, no filter, no limit: a cgroup only tells which processes are the container's.

import { posix } from "node:path";
import { invalid, unsupported } from "#base/errors.ts";
import { cgroupPaths } from "#kernel/cgroups/paths.ts";
import { planCgroup, planJoin, planOpenForClone, planRemove } from "#kernel/cgroups/plan-cgroup.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import { CLONE_NEWNS, O_CLOEXEC, O_DIRECTORY, O_PATH } from "#libcontainer/linux-flags.table.ts";
import { bindAttributes, parseMountOptions } from "#libcontainer/mounts/mount-options.ts";
import { planProgram } from "#libcontainer/process/plan-program.ts";
import { planOpenTerminal } from "#libcontainer/process/plan-terminal.ts";
import { CGROUP_SLOT, FIRST_NAMESPACE_SLOT, ROOT_SLOT } from "#libcontainer/slots.ts";
import { capabilityNames } from "#spec/capabilities.table.ts";
import type { Mount, Process, Spec } from "#spec/oci-runtime.ts";
import { cgroupOf } from "./compile-lxc.ts";
import {
  type DriverPlan,
  type DriverRequest,
  planOwnMounts,
  processOf,
  rootPathOf,
} from "./foreign-program.ts";

const warning =
  "runtime chroot isolates nothing but the root file system: processes, network, devices and capabilities are the machine's";

export function compileChroot(request: DriverRequest, host: HostFacts): DriverPlan {
  const { spec } = request;
  const process = processOf(spec);
  checkChroot(spec);
  const paths = cgroupPaths(host.cgroups, cgroupOf(request));
  const rootPath = rootPathOf(request);
  const binds = (spec.mounts ?? []).filter((mount) => parseMountOptions(mount).bind !== "no");
  return {
    plan: [
      ...planCgroup(paths, host.cgroups, {}),
      ...planJoin(paths),
      ...planOpenForClone(paths, CGROUP_SLOT),
      {
        op: "clone",
        why: "a process of its own",
        flags: 0,
        ...(paths.v2 !== undefined && { intoCgroupSlot: CGROUP_SLOT }),
      },
      { op: "setsid", why: "a session of its own" },
      ...planOwnMounts(request),
      {
        op: "open",
        why: "root file system",
        path: rootPath,
        flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
        slot: ROOT_SLOT,
      },
      ...binds.flatMap(planVolume),
      ...(spec.root?.readonly === true ? [planReadonly] : []),
      ...planChrootProgram(process, rootPath, { host, awaitStart: true }),
    ],
    undo: planRemove(paths),
    warnings: [warning],
  };
}

/** What Docker gives every container is silently missing here, that is the point; what was asked for beyond it is refused. */
function checkChroot({
  linux = {},
  process: { apparmorProfile, selinuxLabel } = { cwd: "/" },
  hooks = {},
}: Spec): void {
  if (apparmorProfile || selinuxLabel) throw unsupported("a label of a security module with runtime chroot");
  if (Object.values(hooks).some((list) => list.length > 0)) throw unsupported("hooks with runtime chroot");
  if (Object.keys(linux.netDevices ?? {}).length > 0)
    throw unsupported("linux.netDevices with runtime chroot");
  const { cpu, memory, pids, blockIO, hugepageLimits, unified } = linux.resources ?? {};
  const limited = [cpu, memory, pids, blockIO, unified].some((part) => Object.keys(part ?? {}).length > 0);
  if (limited || (hugepageLimits ?? []).length > 0) throw unsupported("a resource limit with runtime chroot");
  const joined = (linux.namespaces ?? []).find(({ type, path }) => type !== "network" && path);
  if (joined !== undefined) throw unsupported(`joining the ${joined.type} namespace with runtime chroot`);
}

const planReadonly: Op = {
  op: "mountAttr",
  why: "root.readonly",
  target: "",
  root: ROOT_SLOT,
  set: 1,
  clear: 0,
  propagation: 0,
  recursive: false,
};

function planVolume(mount: Mount): Plan {
  const options = parseMountOptions(mount);
  if (!mount.source) throw invalid(`mount ${mount.destination} needs a source`);
  const at = { why: `mounts ${mount.destination}`, target: mount.destination, root: ROOT_SLOT };
  const { set, clear } = bindAttributes(options);
  const bind: Op = {
    op: "bind",
    ...at,
    source: mount.source,
    recursive: options.bind === "tree",
    createTarget: true,
  };
  return set === 0 && clear === 0
    ? [bind]
    : [bind, { op: "mountAttr", ...at, set, clear, propagation: 0, recursive: false }];
}

const everything = { bounding: capabilityNames, effective: capabilityNames, permitted: capabilityNames };

interface ProgramPlace {
  readonly host: HostFacts;
  readonly awaitStart: boolean;
}

/** The terminal is opened before the root changes: it is the machine's. */
function planChrootProgram(process: Process, rootPath: string, { host, awaitStart }: ProgramPlace): Plan {
  return [
    {
      op: "open",
      why: "root of the machine",
      path: "/",
      flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
      slot: ROOT_SLOT,
    },
    ...planOpenTerminal(process),
    { op: "close", why: "root of the machine", slot: ROOT_SLOT },
    { op: "chroot", why: "root file system", path: rootPath },
    { op: "chdir", why: "root file system", path: "/" },
    ...planProgram(
      { ...process, capabilities: everything },
      {
        host,
        ownUserNamespace: false,
        grantable: host.grantable,
        filter: undefined,
        awaitStart,
        warn: () => {},
      },
    ),
  ];
}

/** A further process: enters the mount namespace, where the root file system is, and changes its root. */
export function compileChrootExec(
  request: Pick<DriverRequest, "id" | "spec" | "stateDir">,
  process: Process,
  { host, initPid }: { readonly host: HostFacts; readonly initPid: number },
): Plan {
  const paths = cgroupPaths(host.cgroups, cgroupOf(request));
  const why = `mounts of process ${initPid}`;
  return [
    ...planJoin(paths),
    ...planOpenForClone(paths, CGROUP_SLOT),
    {
      op: "clone",
      why: "a process of its own",
      flags: 0,
      ...(paths.v2 !== undefined && { intoCgroupSlot: CGROUP_SLOT }),
    },
    { op: "setsid", why: "a session of its own" },
    { op: "pidfd", why, pid: initPid, slot: FIRST_NAMESPACE_SLOT },
    { op: "setns", why, slot: FIRST_NAMESPACE_SLOT, flags: CLONE_NEWNS },
    { op: "close", why, slot: FIRST_NAMESPACE_SLOT },
    ...planChrootProgram(process, posix.normalize(rootPathOf(request)), { host, awaitStart: false }),
  ];
}
