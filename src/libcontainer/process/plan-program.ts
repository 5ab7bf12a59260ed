// The last part of every plan: the process gives up what it may not keep, waits for the start if it must, and becomes the program.
//
// The order is the kernel's: the bounding set needs CAP_SETPCAP; the change of user needs CAP_SETUID and clears what is effective
// unless PR_SET_KEEPCAPS holds the permitted set; a filter without no_new_privs needs CAP_SYS_ADMIN; ambient needs the final sets.

import { invalid } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Process } from "#spec/oci-runtime.ts";
import type { HostFacts } from "../host-facts.ts";
import { PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS } from "../linux-flags.table.ts";
import type { CompiledFilter } from "../seccomp/compile-seccomp.ts";
import { type Handover, LISTENER_SLOT } from "../seccomp/listener.ts";
import type { Warn } from "../warnings.ts";
import { type CapabilityMasks, capabilityMasks } from "./capabilities.ts";
import { execCandidates, withHome } from "./exec-candidates.ts";
import { planRlimits } from "./plan-rlimits.ts";
import { planStandardStreams } from "./plan-terminal.ts";
import { checkWorkingDirectory } from "./working-directory.ts";

export interface ProgramContext {
  readonly host: HostFacts;
  readonly filter: CompiledFilter | undefined;
  /** Sends the filter's listener away, if it has one. */
  readonly listener?: Plan;
  /** How that comes to who sends it. */
  readonly handover?: Handover;
  readonly ownUserNamespace: boolean;
  /** Capabilities that the executing process holds when it comes here. */
  readonly grantable: bigint;
  /** Container creation stops before the program until the task is started. */
  readonly awaitStart: boolean;
  /** Where the byte comes from that it then waits for. */
  readonly startSlot?: number;
  /** Descriptors from 3 on that the program gets. */
  readonly preservedFds?: number;
  /** What runs confined as the program will be, before it. */
  readonly hooks?: Plan;
  /** Supplementary groups cannot be changed here. */
  readonly keepGroups?: boolean;
  readonly warn: Warn;
}

export function planProgram(process: Process, context: ProgramContext): Plan {
  const [name] = process.args ?? [];
  if (name === undefined) throw invalid("args must not be empty");
  const { uid, gid, umask, additionalGids } = readUser(process);
  const masks = capabilityMasks(process.capabilities, context.grantable, context.warn);
  const cwd = checkWorkingDirectory(process.cwd);
  const env = withHome(process.env ?? [], uid);
  return [
    ...planStandardStreams(process),
    ...planStdioOwner(uid, gid, context.ownUserNamespace),
    ...planRlimits(process.rlimits ?? [], context.host, context.warn),
    { op: "chdir", why: `process.cwd ${cwd}`, path: cwd },
    { op: "umask", why: "process.user.umask", mask: umask },
    { op: "capBounding", why: "process.capabilities.bounding", mask: masks.bounding },
    ...planUser({ uid, gid, additionalGids, keepGroups: context.keepGroups === true }),
    ...(process.noNewPrivileges === true ? [noNewPrivileges] : []),
    { op: "cloexecFrom", why: "only 0, 1 and 2 reach the program", first: 3 + (context.preservedFds ?? 0) },
    ...planLast(process, masks, context),
    ...(context.hooks ?? []),
    {
      op: "exec",
      why: `process.args ${name}`,
      candidates: execCandidates(name, env),
      argv: process.args ?? [],
      env,
    },
  ];
}

/** Whoever answers for the filter's calls is told of it when the container is created; any other filter comes as late as can be. */
function planLast(process: Process, masks: CapabilityMasks, context: ProgramContext): Plan {
  const start = planStart(process, context);
  const confinement = planConfinement(process, masks, context);
  return context.filter?.listens === true ? [...confinement, ...start] : [...start, ...confinement];
}

function planStart({ args: [name = ""] = [], env = [] }: Process, context: ProgramContext): Plan {
  if (!context.awaitStart) return [];
  const created: Op = { op: "awaitStart", why: "created" };
  const { startSlot: slot } = context;
  if (slot === undefined) return [created];
  const find: Op = { op: "findProgram", why: `process.args ${name}`, candidates: execCandidates(name, env) };
  return [find, created, { op: "awaitByte", why: "start", slot }, { op: "close", why: "start", slot }];
}

const MAX_ID = 2 ** 32 - 2;

function readUser({ user }: Process): {
  uid: number;
  gid: number;
  umask: number;
  additionalGids: readonly number[];
} {
  const { uid = 0, gid = 0, umask = 0o022, additionalGids = [] } = user ?? {};
  for (const id of [uid, gid, ...additionalGids])
    if (!Number.isInteger(id) || id < 0 || id > MAX_ID) throw invalid(`user or group id ${id} is not valid`);
  return { uid, gid, umask, additionalGids };
}

/** For chown(2). A terminal belongs to a group of the devpts that its root has a name for. */
const UNCHANGED = 0xffff_ffff;

const planStdioOwner = (uid: number, gid: number, ownUserNamespace: boolean): Plan =>
  uid === 0 && !ownUserNamespace
    ? []
    : [
        {
          op: "chownStdio",
          why: "standard streams belong to the user",
          uid,
          gid: ownUserNamespace ? UNCHANGED : gid,
          ...(ownUserNamespace && { mayFail: true }),
        },
      ];

function planUser(user: {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly keepGroups: boolean;
}): Plan {
  const why = "process.user";
  const keep: readonly Op[] =
    user.uid === 0
      ? []
      : [{ op: "prctl", why: "keep capabilities across setuid", option: PR_SET_KEEPCAPS, args: [1] }];
  return [
    ...keep,
    ...(user.keepGroups
      ? []
      : [{ op: "setgroups", why: `${why}.additionalGids`, gids: user.additionalGids } as const]),
    { op: "setgid", why: `${why}.gid`, gid: user.gid },
    { op: "setuid", why: `${why}.uid`, uid: user.uid },
  ];
}

const noNewPrivileges: Op = {
  op: "prctl",
  why: "process.noNewPrivileges",
  option: PR_SET_NO_NEW_PRIVS,
  args: [1, 0, 0, 0],
};

/** A filter that no privilege is needed for comes last, so that it need not allow what comes before. */
function planConfinement(process: Process, masks: CapabilityMasks, context: ProgramContext): Plan {
  const capabilities = planCapabilities(masks);
  const { filter, grantable } = context;
  if (filter === undefined) return capabilities;
  const install = planFilter(filter, context);
  if (process.noNewPrivileges === true) return [...capabilities, ...install];
  if ((process.user?.uid ?? 0) === 0) return [...install, ...capabilities];
  const raise: Op = {
    op: "capset",
    why: "setuid took CAP_SYS_ADMIN, which linux.seccomp needs",
    effective: grantable,
    permitted: grantable,
    inheritable: 0n,
  };
  return [raise, ...install, ...capabilities];
}

function planFilter({ program, flags, listens }: CompiledFilter, context: ProgramContext): Plan {
  const { listener = [], handover } = context;
  const install = { op: "seccomp", why: "linux.seccomp", filter: program, flags } as const;
  if (!listens) return [install];
  return [
    { op: "close", why: "room for the listener", slot: LISTENER_SLOT, mayFail: true },
    ...(handover === "offered"
      ? [{ op: "prctl", why: "the listener may be taken", option: PR_SET_DUMPABLE, args: [1] } as const]
      : []),
    { ...install, listenerSlot: LISTENER_SLOT },
    ...listener,
  ];
}

function planCapabilities(masks: CapabilityMasks): Plan {
  const why = "process.capabilities";
  const { effective, permitted, inheritable, ambient } = masks;
  const final: Op = { op: "capset", why, effective, permitted, inheritable };
  return ambient === 0n ? [final] : [final, { op: "capAmbient", why: `${why}.ambient`, mask: ambient }];
}
