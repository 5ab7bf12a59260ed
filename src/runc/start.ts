import { invalid } from "#base/errors.ts";
import { type ContainerState, statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";
import { startFailure } from "./failures.ts";
import type { Supervisor } from "./runtime.ts";

export async function startCommand(deps: Deps, id: string): Promise<number> {
  const state = deps.containers.get(id);
  const status = statusOf(state);
  if (status === "stopped") throw invalid("cannot start a container that has stopped");
  if (status !== "created") throw invalid("cannot start an already running container");
  await using supervisor = await deps.runtime.find(deps.containers.place(state), deps.signal);
  await startContainer(deps, state, supervisor);
  return 0;
}

export async function startContainer(
  deps: Deps,
  state: ContainerState,
  supervisor: Supervisor,
): Promise<void> {
  try {
    await supervisor.start(deps.signal);
  } catch (error) {
    throw startFailure(error, state.spec.process?.args?.[0] ?? "");
  }
  deps.containers.save({ ...state, started: true });
}
