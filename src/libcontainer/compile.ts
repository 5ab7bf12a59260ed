// An OCI specification as a plan: every step between the fork of a container's first process and its program.
//
//   host        cgroups, namespaces to join                 root of the machine, the machine's mounts
//   clone       ------------------------------------------- new namespaces; in a user namespace, its maps
//   container   root file system, mounts, /dev, terminal    below the root's fd, symlinks cannot lead out
//   pivotRoot   ------------------------------------------- the machine's mounts are gone
//   program     limits, user, awaitStart, seccomp, exec     fewer rights with each step

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import { type CgroupPaths, cgroupPaths } from "#kernel/cgroups/paths.ts";
import {
  planDirectories,
  planJoin,
  planLimits,
  planOpenForClone,
  planRemove,
} from "#kernel/cgroups/plan-cgroup.ts";
import { planWrite } from "#kernel/cgroups/plan-write.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { capabilityNames } from "#spec/capabilities.table.ts";
import type { Process, Spec } from "#spec/oci-runtime.ts";
import {
  type CompileInput,
  type CompileOptions,
  hookedOf,
  isPrivileged,
  mountsOutside,
} from "./compile-input.ts";
import { planPoststopHooks, planStartContainerHooks } from "./hooks/plan-hooks.ts";
import type { HostFacts } from "./host-facts.ts";
import { checkIntelRdt } from "./intel-rdt.ts";
import {
  CLONE_NEWNS,
  CLONE_NEWTIME,
  O_CLOEXEC,
  O_RDWR,
  PR_SET_DUMPABLE,
  S_IFIFO,
} from "./linux-flags.table.ts";
import { withBindSources } from "./mounts/bind-sources.ts";
import { planEarlyMounts, planEarlyTrees } from "./mounts/early-sources.ts";
import { planContainerRoot } from "./mounts/plan-container-root.ts";
import { planIsolation, planRootfs } from "./mounts/plan-rootfs.ts";
import {
  checkNamespaces,
  hasNew,
  hasOffsets,
  isPrivate,
  type Namespaces,
  planJoinNamespaces,
  planOwnTimeOffsets,
  planTimeOffsets,
  readNamespaces,
} from "./namespaces.ts";
import { planNetDevices } from "./net-devices.ts";
import { planKeyring } from "./process/plan-keyring.ts";
import { checkMountLabel } from "./process/plan-label.ts";
import { planMappedStreams } from "./process/plan-mapped-streams.ts";
import { planOomScore } from "./process/plan-oom-score.ts";
import { planPidfd } from "./process/plan-pidfd.ts";
import { type ProgramContext, planProgram } from "./process/plan-program.ts";
import { planScheduling } from "./process/plan-scheduling.ts";
import { compileSeccomp } from "./seccomp/compile-seccomp.ts";
import { planListener } from "./seccomp/listener.ts";
import { CGROUP_SLOT, START_SLOT } from "./slots.ts";
import { mayNotSetGroups, planBecomeRoot, planIdMaps } from "./user-namespace.ts";

export interface CompiledContainer {
  readonly plan: Plan;
  /** Host plan that removes what the plan leaves on the host, when it failed and after the container's end. */
  readonly undo: Plan;
  readonly cgroup: CgroupPaths;
  readonly warnings: readonly string[];
}

export function compileContainer(given: Spec, options: CompileOptions): CompiledContainer {
  const spec = withBindSources(given, options.bundle);
  const warnings: string[] = [];
  const { host } = options;
  const cgroup =
    options.cgroup ?? cgroupPaths(host.cgroups, spec.linux?.cgroupsPath || posix.join("/", options.id));
  const input: CompileInput = {
    spec,
    options,
    process: processOf(spec),
    rootPath: rootPathOf(spec, options.bundle),
    cgroup,
    namespaces: readNamespaces(spec.linux),
    warn: (message) => warnings.push(message),
  };
  checkInput(input);
  const plan = [...planHostSide(input), ...planClone(input), ...planContainerSide(input)];
  const undo = [...planRemove(cgroup), ...planPoststopHooks(hookedOf(input))];
  return { plan, undo, cgroup, warnings };
}

function checkInput({ spec, namespaces, process, options }: CompileInput): void {
  checkNamespaces(spec, namespaces, options.host);
  checkMountLabel(spec);
  checkIntelRdt(spec, options.host);
  if (mayNotSetGroups(spec, options.host) && process.user?.additionalGids?.length)
    throw invalid("cannot set any additional groups in a rootless container");
}

function processOf(spec: Spec): Process {
  if (spec.process === undefined) throw invalid("process property must not be empty");
  return spec.process;
}

export function rootPathOf(spec: Spec, bundle: string | undefined): string {
  const path = spec.root?.path;
  if (path === undefined || path === "") throw invalid("root property must not be empty");
  if (posix.isAbsolute(path)) return posix.normalize(path);
  if (bundle === undefined) throw invalid(`root.path ${path} is relative and there is no bundle`);
  return posix.join(bundle, path);
}

/** The process is not to be traced by anything in the namespaces that it enters (CVE-2016-9962). */
export const planUntraceable: Op = {
  op: "prctl",
  why: "nobody may look into the setup",
  option: PR_SET_DUMPABLE,
  args: [0],
};

function planHostSide(input: CompileInput): Plan {
  const { spec, options, rootPath, cgroup, namespaces } = input;
  const { host, rootfs } = options;
  const privileged = isPrivileged(host);
  const outer = mountsOutside(input);
  const early = { ownUserNamespace: outer, newNetwork: hasNew(namespaces, "network") };
  const streams = outer && !hasNew(namespaces, "user") ? planMappedStreams(input.process, spec.linux) : [];
  const newMounts = hasNew(namespaces, "mount");
  const root = [planIsolation(), ...planRootfs(rootPath, rootfs)];
  return [
    planUntraceable,
    ...planStartFifo(options.startFifo),
    ...(options.cgroupMade === true ? [] : planDirectories(cgroup, host.cgroups)),
    ...planLimits(cgroup, host.cgroups, spec.linux?.resources ?? {}),
    ...planJoin(cgroup),
    ...(clonesIntoCgroup(input) ? planOpenForClone(cgroup, CGROUP_SLOT) : planEnterCgroup(cgroup)),
    ...(hasNew(namespaces, "user") ? [] : planTimeOffsets(spec.linux)),
    ...streams,
    ...planEarlyTrees(spec, early),
    ...(outer && newMounts
      ? [{ op: "unshare", why: "mounts that need the machine's root", flags: CLONE_NEWNS } as const, ...root]
      : []),
    ...planJoinNamespaces(namespaces, {
      privileged,
      inMounts: [...(outer && !newMounts ? root : []), ...planEarlyMounts(spec, early)],
    }),
  ];
}

function planStartFifo(fifo: CompileOptions["startFifo"]): Plan {
  if (fifo === undefined) return [];
  const { path } = fifo;
  const why = "what the start comes through";
  return [
    { op: "mknod", why, ...fifo, mode: S_IFIFO | 0o600, major: 0, minor: 0 },
    { op: "open", why, path, flags: O_RDWR | O_CLOEXEC, slot: START_SLOT },
  ];
}

/** Not from inside a cgroup namespace that is joined: the cgroup need not lie below its root (`nsdelegate`, man 7 cgroups). */
const clonesIntoCgroup = ({ cgroup, namespaces }: CompileInput): boolean =>
  cgroup.v2 !== undefined && !namespaces.joined.some(({ type }) => type === "cgroup");

const planEnterCgroup = ({ v2 }: CgroupPaths): Plan =>
  v2 === undefined ? [] : [planWrite(`${v2.directory}/cgroup.procs`, "0", "join cgroup")];

function planClone(input: CompileInput): Plan {
  const { spec, options, namespaces } = input;
  const flags = hasOffsets(spec.linux) ? namespaces.created & ~CLONE_NEWTIME : namespaces.created;
  const clone: Op = {
    op: "clone",
    why: "new namespaces",
    flags,
    ...(clonesIntoCgroup(input) && { intoCgroupSlot: CGROUP_SLOT }),
  };
  return [
    clone,
    ...planOwnUser(spec, options.host, namespaces),
    ...planPidfd(options.pidfdSocket, "standard"),
    { op: "setsid", why: "a session of its own" },
    ...(options.newKeyring === false ? [] : planKeyring(options.id, options.host)),
  ];
}

function planOwnUser(spec: Spec, host: HostFacts, namespaces: Namespaces): Plan {
  if (hasNew(namespaces, "user")) return [...planIdMaps(spec.linux, host), ...planOwnTimeOffsets(spec.linux)];
  return isPrivate(namespaces, "user") ? planBecomeRoot(isPrivileged(host)) : [];
}

function planContainerSide(input: CompileInput): Plan {
  const { spec, options, process, namespaces, warn } = input;
  const { host } = options;
  const ownUserNamespace = isPrivate(namespaces, "user");
  return [
    ...planOomScore(process.oomScoreAdj, host, warn),
    ...planNetDevices(spec, options.netDevices),
    ...planContainerRoot(input),
    ...planNames(spec),
    ...planScheduling(process, spec.linux),
    ...planProgram(process, {
      host,
      ownUserNamespace,
      grantable: ownUserNamespace ? allCapabilities : host.grantable,
      filter: options.filter ?? compileSeccomp(spec.linux?.seccomp, host),
      ...planHandover(input),
      awaitStart: options.awaitStart ?? true,
      ...(options.startFifo !== undefined && { startSlot: START_SLOT }),
      preservedFds: options.preservedFds ?? 0,
      hooks: planStartContainerHooks(hookedOf(input), process.env ?? []),
      keepGroups: mayNotSetGroups(spec, host),
      warn,
    }),
  ];
}

function planHandover({
  spec,
  options,
  namespaces,
}: CompileInput): Pick<ProgramContext, "handover" | "listener"> {
  const isOwn = hasNew(namespaces, "pid"); // nobody else can see it
  const handover = isPrivileged(options.host) ? "taken" : isOwn ? "offered" : "sent";
  return {
    handover,
    listener: planListener({ spec, id: options.id, bundle: options.bundle ?? "", handover }),
  };
}

/** A new user namespace holds every capability over what it owns. */
export const allCapabilities = (1n << BigInt(capabilityNames.length)) - 1n;

function planNames({ hostname, domainname }: Spec): Plan {
  return [
    ...(hostname ? [{ op: "sethostname", why: "hostname", name: hostname } as const] : []),
    ...(domainname ? [{ op: "setdomainname", why: "domainname", name: domainname } as const] : []),
  ];
}
