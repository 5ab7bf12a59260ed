// A further process of a running container: joins what the init lives in, then gives up its rights as the init did.

import { type CgroupPaths, cgroupPaths } from "#kernel/cgroups/paths.ts";
import { planJoin, planOpenForClone } from "#kernel/cgroups/plan-cgroup.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Process, Spec } from "#spec/oci-runtime.ts";
import { allCapabilities, planUntraceable } from "./compile.ts";
import { isPrivileged } from "./compile-input.ts";
import type { HostFacts } from "./host-facts.ts";
import { O_CLOEXEC, O_PATH } from "./linux-flags.table.ts";
import { isPrivate, namespaceFlags, readNamespaces } from "./namespaces.ts";
import { planKeyring } from "./process/plan-keyring.ts";
import { planExecLabel } from "./process/plan-label.ts";
import { planMappedStreams } from "./process/plan-mapped-streams.ts";
import { planPidfd } from "./process/plan-pidfd.ts";
import { planProgram } from "./process/plan-program.ts";
import { planAffinity, planScheduling } from "./process/plan-scheduling.ts";
import { planOpenTerminal } from "./process/plan-terminal.ts";
import { type CompiledFilter, compileSeccomp } from "./seccomp/compile-seccomp.ts";
import { planListener } from "./seccomp/listener.ts";
import { CGROUP_SLOT, FIRST_NAMESPACE_SLOT, ROOT_SLOT } from "./slots.ts";
import { mayNotSetGroups } from "./user-namespace.ts";
import type { Warn } from "./warnings.ts";

export interface ExecOptions {
  readonly id: string;
  /** The container's init, on the host. */
  readonly initPid: number;
  /** The container's; missing: where linux.cgroupsPath leads. */
  readonly cgroup?: CgroupPaths;
  /** Of the container; told to the agent of its seccomp profile. */
  readonly bundle?: string;
  readonly host: HostFacts;
  /** How many descriptors from 3 on the program gets. */
  readonly preservedFds?: number;
  /** Path of a unix socket that gets a pidfd of the process. */
  readonly pidfdSocket?: string;
  /** Path of a unix socket that gets the terminal, in place of the shim. */
  readonly consoleSocket?: string | undefined;
  readonly warn: Warn;
  /** spec.linux.seccomp, compiled before. */
  readonly filter?: CompiledFilter | undefined;
}

export function compileExec(spec: Spec, process: Process, options: ExecOptions): Plan {
  const { id, initPid, bundle = "", host, preservedFds = 0, warn } = options;
  const cgroup = options.cgroup ?? cgroupPaths(host.cgroups, spec.linux?.cgroupsPath || `/${id}`);
  const namespaces = readNamespaces(spec.linux);
  const ownUserNamespace = isPrivate(namespaces, "user");
  const handover = isPrivileged(host) ? "taken" : "sent"; // the container's processes see it
  const scheduled = { ...inheritedScheduling(spec), ...process };
  return [
    planUntraceable,
    ...planExecLabel(process, host),
    ...planAffinity(scheduled, "initial"),
    ...planJoin(cgroup),
    ...planOpenForClone(cgroup, CGROUP_SLOT),
    ...(isPrivileged(host) && ownUserNamespace ? planMappedStreams(process, spec.linux) : []),
    ...planEnter(spec, initPid),
    {
      op: "clone",
      why: "a process of the container",
      flags: 0,
      ...(cgroup.v2 !== undefined && { intoCgroupSlot: CGROUP_SLOT }),
    },
    ...planPidfd(options.pidfdSocket, "setns"),
    ...planEnterCgroupNamespace(spec, initPid),
    ...planAffinity(scheduled, "final"),
    { op: "setsid", why: "a session of its own" },
    ...planKeyring(id, host),
    { op: "open", why: "root of the container", path: "/", flags: O_PATH | O_CLOEXEC, slot: ROOT_SLOT },
    ...planOpenTerminal(process, options.consoleSocket),
    ...planScheduling(scheduled, spec.linux),
    ...planProgram(process, {
      host,
      ownUserNamespace,
      grantable: ownUserNamespace ? allCapabilities : host.grantable,
      filter: options.filter ?? compileSeccomp(spec.linux?.seccomp, host),
      listener: planListener({ spec, id, bundle, initPid, handover }),
      handover,
      awaitStart: false,
      preservedFds,
      keepGroups: mayNotSetGroups(spec, host),
      warn,
    }),
  ];
}

/** What a further process has from the container's own, if it says nothing else. */
function inheritedScheduling({ process }: Spec): Partial<Process> {
  if (process === undefined) return {};
  const { scheduler, ioPriority, execCPUAffinity } = process;
  return {
    ...(scheduler !== undefined && { scheduler }),
    ...(ioPriority !== undefined && { ioPriority }),
    ...(execCPUAffinity !== undefined && { execCPUAffinity }),
  };
}

/** All at once by pidfd: either the process is in every namespace of the init or nothing has changed. The cgroup namespace is the
 *  child's to enter: who is in it already cannot start a child in the cgroup from outside (`nsdelegate`, man 7 cgroups). */
function planEnter(spec: Spec, initPid: number): readonly Op[] {
  const why = `namespaces of process ${initPid}`;
  return [
    { op: "pidfd", why, pid: initPid, slot: FIRST_NAMESPACE_SLOT },
    { op: "setns", why, slot: FIRST_NAMESPACE_SLOT, flags: flagsOf(spec) & ~namespaceFlags.cgroup },
  ];
}

function planEnterCgroupNamespace(spec: Spec, initPid: number): readonly Op[] {
  const why = `cgroup namespace of process ${initPid}`;
  const flags = flagsOf(spec) & namespaceFlags.cgroup;
  return [
    ...(flags === 0 ? [] : [{ op: "setns", why, slot: FIRST_NAMESPACE_SLOT, flags } as const]),
    { op: "close", why, slot: FIRST_NAMESPACE_SLOT },
  ];
}

function flagsOf(spec: Spec): number {
  const { created, joined } = readNamespaces(spec.linux);
  return joined.reduce((sum, { type }) => sum | namespaceFlags[type], created);
}
