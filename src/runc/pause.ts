import { invalid } from "#base/errors.ts";
import { setFrozen } from "#kernel/cgroups/freezer.ts";
import type { Deps } from "./create.ts";
import { cgroupsOf, readStatus } from "./status.ts";

export async function pauseCommand(deps: Deps, id: string): Promise<number> {
  const state = deps.containers.get(id);
  const status = readStatus(deps, state);
  if (status !== "running" && status !== "created") throw invalid("container not running");
  await setFrozen(cgroupsOf(deps, state), true);
  return 0;
}
