import { setTimeout as delay } from "node:timers/promises";
import { invalid } from "#base/errors.ts";
import { isFrozen, setFrozen } from "#kernel/cgroups/freezer.ts";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import { type Given, isOn } from "./command-line.ts";
import { type ContainerState, statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";
import { runPoststopHooks } from "./hooks.ts";
import { closePlacement } from "./placement.ts";
import { cgroupsOf, readStatus } from "./status.ts";

export async function deleteCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const force = isOn(given, "force");
  const state = deps.containers.find(id);
  if (state === undefined) {
    deps.containers.remove(id); // a folder whose state was never written
    if (force) return 0;
    deps.containers.get(id);
  } else {
    const status = readStatus(deps, state);
    if (status !== "stopped" && status !== "created" && !force)
      throw invalid(`cannot delete container ${id} that is not stopped: ${status}`);
    await deleteContainer(deps, state);
  }
  return 0;
}

/** Ends what still runs. */
export async function deleteContainer(deps: Deps, state: ContainerState): Promise<void> {
  await endInit(state, cgroupsOf(deps, state));
  await closePlacement({ ...deps, host: deps.runtime.host }, state.placement);
  deps.containers.remove(state.id);
  await runPoststopHooks(deps, state);
}

const PATIENCE = 10_000;

async function endInit(state: ContainerState, cgroups: CgroupPaths): Promise<void> {
  if (statusOf(state) === "stopped") return;
  try {
    process.kill(state.initPid, "SIGKILL");
  } catch {
    return; // it ended meanwhile
  }
  if (isFrozen(cgroups)) await setFrozen(cgroups, false); // the dead cannot leave a frozen cgroup
  for (
    let waited = 0, wait = 1;
    statusOf(state) !== "stopped";
    waited += wait, wait = Math.min(wait * 2, 50)
  ) {
    if (waited > PATIENCE) throw invalid("container init still running");
    await delay(wait);
  }
}
