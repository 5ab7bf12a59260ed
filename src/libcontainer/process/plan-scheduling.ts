// How the kernel shares the machine's time, disks and memory nodes out to a process. The rules are runc's.

import { invalid, unsupported } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Linux, MemoryPolicyMode, Process, Scheduler, SchedulerPolicy } from "#spec/oci-runtime.ts";
import { parseBitList } from "./cpu-list.ts";

/** Needs the rights that the program will not have. */
export const planScheduling = (process: Process, linux: Linux | undefined): Plan => [
  ...planScheduler(process.scheduler),
  ...planIoPriority(process.ioPriority),
  ...planPersonality(linux?.personality),
  ...planMemoryPolicy(linux?.memoryPolicy),
];

const policies: Readonly<Record<SchedulerPolicy, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

const schedulerFlags = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;

const planScheduler = (scheduler: Scheduler | undefined): Plan => {
  if (scheduler === undefined) return [];
  checkScheduler(scheduler);
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler;
  return [
    {
      op: "schedSetattr",
      why: "process.scheduler",
      size: 48, // struct sched_attr without the clamps
      policy: policies[policy],
      flags: flags.reduce((bits, flag) => bits | schedulerFlags[flag], 0),
      nice,
      priority,
      runtime: BigInt(runtime),
      deadline: BigInt(deadline),
      period: BigInt(period),
    },
  ];
};

function checkScheduler(scheduler: Scheduler): void {
  const { policy, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  if ((policy === "SCHED_OTHER" || policy === "SCHED_BATCH") && (nice < -20 || nice > 19))
    throw invalid(`invalid scheduler.nice: ${nice} when scheduler.policy is ${policy}`);
  if (priority !== 0 && policy !== "SCHED_FIFO" && policy !== "SCHED_RR")
    throw invalid("scheduler.priority can only be specified for SchedFIFO or SchedRR policy");
  if (policy !== "SCHED_DEADLINE" && (runtime !== 0 || deadline !== 0 || period !== 0))
    throw invalid("scheduler runtime/deadline/period can only be specified for SchedDeadline policy");
}

const ioClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;
const IOPRIO_CLASS_SHIFT = 13;

function planIoPriority(wanted: Process["ioPriority"]): Plan {
  if (wanted === undefined) return [];
  const { priority = 0 } = wanted;
  if (priority < 0 || priority > 7) throw invalid(`invalid ioPriority.Priority: ${priority}`);
  const value = (ioClasses[wanted.class] << IOPRIO_CLASS_SHIFT) | priority;
  return [{ op: "ioprioSet", why: "process.ioPriority", value }];
}

/** Of a further process: `initial` before it joins the cgroup, `final` after. */
export function planAffinity(process: Process, moment: "initial" | "final"): Plan {
  const list = process.execCPUAffinity?.[moment] ?? "";
  const why = `process.execCPUAffinity.${moment}`;
  const mask = parseBitList(list, why);
  return mask.length === 0 ? [] : [{ op: "schedSetaffinity", why, mask }];
}

const domains = { LINUX: 0, LINUX32: 8 } as const;

function planPersonality(personality: Linux["personality"]): Plan {
  if (personality === undefined) return [];
  const [flag] = personality.flags ?? [];
  if (flag !== undefined) throw unsupported(`linux.personality.flags ${flag}`);
  return [{ op: "personality", why: "linux.personality", persona: domains[personality.domain] }];
}

const memoryModes: Readonly<Record<MemoryPolicyMode, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};
const memoryFlags = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
} as const;

function planMemoryPolicy(policy: Linux["memoryPolicy"]): Plan {
  if (policy === undefined) return [];
  const { mode, nodes: list = "", flags = [] } = policy;
  const nodes = parseBitList(list, "linux.memoryPolicy.nodes");
  const bare = mode === "MPOL_DEFAULT" || mode === "MPOL_LOCAL";
  if (bare && (nodes.length > 0 || flags.length > 0))
    throw invalid(`linux.memoryPolicy: ${mode} takes neither nodes nor flags`);
  return [
    {
      op: "setMempolicy",
      why: "linux.memoryPolicy",
      mode: flags.reduce<number>((bits, flag) => bits | memoryFlags[flag], memoryModes[mode]),
      nodes,
      maxNode: nodes.length * 8 + 1, // the kernel takes one off
    },
  ];
}
