import { invalid } from "#base/errors.ts";
import { signalCgroup } from "#kernel/cgroups/processes.ts";
import { type Given, isOn } from "./command-line.ts";
import { type ContainerState, statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";
import { parseSignal } from "./signals.ts";
import { cgroupsOf } from "./status.ts";

const SIGKILL = 9;

export async function killCommand(deps: Deps, given: Given, [id = "", text = "SIGTERM"]: readonly string[]) {
  const signal = parseSignal(text);
  const state = deps.containers.get(id);
  const alive = statusOf(state) !== "stopped";
  // Without a pid namespace of its own the end of the init ends nobody else.
  if (isOn(given, "all") || (signal === SIGKILL && alive && sharesPids(state))) {
    await signalCgroup(cgroupsOf(deps, state), signal);
    if (alive) kill(state.initPid, signal);
    return 0;
  }
  if (!alive) throw invalid("container not running");
  kill(state.initPid, signal);
  return 0;
}

const sharesPids = ({ spec }: ContainerState): boolean =>
  spec.linux?.namespaces?.some(({ type, path }) => type === "pid" && !path) !== true;

function kill(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended meanwhile
  }
}
