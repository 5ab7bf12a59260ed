// The hooks around a container's plan. Its own plan runs the others.

import type { HookedContainer } from "#libcontainer/hooks/plan-hooks.ts";
import { planPoststartHooks, planPoststopHooks } from "#libcontainer/hooks/plan-hooks.ts";
import type { Caller } from "./caller.ts";
import type { ContainerState } from "./containers.ts";
import type { Deps } from "./create.ts";

/** runc's own, for hooks that give none: here that of whoever called. */
export const hookEnvironment = ({ env }: Pick<Caller, "env">): readonly string[] =>
  Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));

const hooked = ({ caller }: Deps, { id, spec, bundle }: ContainerState): HookedContainer => ({
  id,
  spec,
  bundle,
  environment: hookEnvironment(caller),
});

/** The program runs; a hook that fails ends the container. */
export async function runPoststartHooks(deps: Deps, state: ContainerState): Promise<void> {
  const plan = planPoststartHooks(hooked(deps, state), state.initPid);
  if (plan.length === 0) return;
  try {
    await deps.caller.executor.run(plan, deps.signal);
  } catch (error) {
    killInit(state);
    throw error;
  }
}

function killInit({ initPid }: ContainerState): void {
  try {
    process.kill(initPid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

/** Nothing of the container is left, so a failure is only told. */
export async function runPoststopHooks(deps: Deps, state: ContainerState): Promise<void> {
  const plan = planPoststopHooks(hooked(deps, state));
  if (plan.length === 0) return;
  try {
    await deps.caller.executor.run(plan, deps.signal);
  } catch (error) {
    await deps.log.tell("error", error instanceof Error ? error.message : String(error));
  }
}
