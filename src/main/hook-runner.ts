// The hooks that are not part of a container's own plan, for containers with a shim: poststart and poststop.

import { existsSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Executor } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { planPoststartHooks, planPoststopHooks } from "#libcontainer/hooks/plan-hooks.ts";
import type { AdoptRequest } from "#shim/shim.ts";

interface Plans {
  readonly plan: Plan;
  readonly undo: Plan;
}

export interface HookRunner {
  /** Notes that the poststop hooks are still to run. A creation that fails runs them itself, as the end of its undo plan. */
  prepare<P extends Plans>(container: AdoptRequest, plans: P): P;
  afterStart(container: AdoptRequest, initPid: number): Promise<void>;
  /** Once, however often it is asked to. */
  beforeEnd(container: AdoptRequest): Promise<void>;
}

const never = new AbortController().signal;

const pendingFile = ({ stateDir }: AdoptRequest): string => join(stateDir, "poststop");

export function createHookRunner(executor: Executor): HookRunner {
  return {
    prepare: (container, plans) => {
      if (planPoststopHooks(hooked(container)).length === 0) return plans;
      const path = pendingFile(container);
      writeFileSync(path, "");
      return { ...plans, undo: [{ op: "unlink", why: "poststop", path, missingOk: true }, ...plans.undo] };
    },
    afterStart: async (container, initPid) => {
      const plan = planPoststartHooks(hooked(container), initPid);
      if (plan.length > 0) await executor.run(plan, never);
    },
    beforeEnd: async (container) => {
      const path = pendingFile(container);
      if (!existsSync(path)) return;
      await rm(path);
      await executor.run(planPoststopHooks(hooked(container)), never);
    },
  };
}

const hooked = ({ id, spec, stateDir }: AdoptRequest): Parameters<typeof planPoststopHooks>[0] => ({
  id,
  spec,
  bundle: stateDir,
});
