import { invalid } from "#base/errors.ts";
import { setFrozen } from "#kernel/cgroups/freezer.ts";
import type { Deps } from "./create.ts";
import { cgroupsOf, readStatus } from "./status.ts";

export async function resumeCommand(deps: Deps, id: string): Promise<number> {
  const state = deps.containers.get(id);
  if (readStatus(deps, state) !== "paused") throw invalid("container not paused");
  await setFrozen(cgroupsOf(deps, state), false);
  return 0;
}
