import { invalid } from "#base/errors.ts";
import { type Given, isOn } from "./command-line.ts";
import { type ContainerState, statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";
import { readStatus } from "./status.ts";

const SIGKILL = 9;

export async function deleteCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const force = isOn(given, "force");
  if (force && !deps.containers.list().some((state) => state.id === id)) return 0;
  const state = deps.containers.get(id);
  const status = readStatus(deps, state);
  if ((status === "running" || status === "paused") && !force)
    throw invalid(`cannot delete container ${id} that is not stopped: ${status}`);
  await deleteContainer(deps, state, true);
  return 0;
}

/** `kill`: ends what still runs. */
export async function deleteContainer(deps: Deps, state: ContainerState, kill: boolean): Promise<void> {
  const place = deps.containers.place(state);
  if (kill && statusOf(state) !== "stopped") {
    await using supervisor = await deps.runtime.find(place, deps.signal);
    const ended = supervisor.wait("", AbortSignal.any([deps.signal, AbortSignal.timeout(10_000)]));
    ended.catch(() => {}); // awaited below
    await supervisor.kill("", SIGKILL, true);
    await ended;
  }
  await deps.runtime.clean(place);
  deps.containers.remove(state.id);
}
