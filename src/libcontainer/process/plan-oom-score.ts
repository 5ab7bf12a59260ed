// How readily the kernel's out-of-memory killer takes a process.

import type { Plan } from "#kernel/plan/ops.ts";
import type { HostFacts } from "../host-facts.ts";
import { O_CLOEXEC, O_WRONLY, PROC_SUPER_MAGIC } from "../linux-flags.table.ts";
import type { Warn } from "../warnings.ts";
import { CAP_SYS_RESOURCE } from "./capabilities.ts";

/** Written from outside: in a user namespace a process may not write its own. */
export function planOomScore(score: number | undefined, host: HostFacts, warn: Warn): Plan {
  if (score === undefined) return [];
  const mayLower = (host.grantable & CAP_SYS_RESOURCE) !== 0n;
  const granted = mayLower ? score : Math.max(score, host.oomScoreAdj);
  if (granted !== score) warn(`oomScoreAdj is raised to ${granted}: CAP_SYS_RESOURCE is missing here`);
  if (granted === host.oomScoreAdj) return [];
  return [
    {
      op: "write",
      why: "process.oomScoreAdj",
      host: true,
      path: "/proc/$PID/oom_score_adj",
      flags: O_WRONLY | O_CLOEXEC,
      data: new TextEncoder().encode(String(granted)),
      fsMagic: PROC_SUPER_MAGIC,
    },
  ];
}
