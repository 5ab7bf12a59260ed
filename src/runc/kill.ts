import { invalid } from "#base/errors.ts";
import { type Given, isOn } from "./command-line.ts";
import { statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";
import { parseSignal } from "./signals.ts";

export async function killCommand(deps: Deps, given: Given, [id = "", text = "SIGTERM"]: readonly string[]) {
  const signal = parseSignal(text);
  const state = deps.containers.get(id);
  const alive = statusOf(state) !== "stopped";
  if (isOn(given, "all")) {
    for (const pid of await deps.runtime.pids(deps.containers.place(state))) kill(pid, signal);
    return 0;
  }
  if (!alive) throw invalid("container not running");
  await using supervisor = await deps.runtime.find(deps.containers.place(state), deps.signal);
  await supervisor.kill("", signal, false);
  return 0;
}

function kill(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended meanwhile
  }
}
