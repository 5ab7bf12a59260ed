// POST /containers/{id}/pause and /unpause.

import { conflict, systemError } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import { publishContainerEvent } from "./container-events.ts";
import { scope } from "./scope.ts";
import type { ContainerStore } from "./store.ts";

export interface PauseDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "pause" | "resume">;
  readonly events: Pick<EventBus, "publish">;
}

/** `briefly`: the engine does, and will go on with it whatever happens. */
export async function pauseContainer(deps: PauseDeps, reference: string, briefly = false): Promise<void> {
  const container = deps.containers.get(reference);
  using _held = await container.lock.acquire();
  const { id } = container;
  switch (container.state.status) {
    case "paused":
      throw conflict(`container ${id} is already paused`);
    case "restarting":
      throw conflict(`container ${id} is restarting, wait until the container is running`);
    case "running":
      break;
    default:
      throw conflict(`container ${id} is not running`);
  }
  if (briefly !== (container.state.pausedBriefly ?? false))
    deps.containers.saveState(container, { pausedBriefly: briefly }); // before: the daemon may die in between
  await deps.tasks.pause(scope, id);
  deps.containers.saveState(container, { status: "paused" });
  publishContainerEvent(deps.events, container, "pause");
}

export async function unpauseContainer(deps: PauseDeps, reference: string): Promise<void> {
  const container = deps.containers.get(reference);
  using _held = await container.lock.acquire();
  if (container.state.status !== "paused") throw systemError(`Container ${container.id} is not paused`);
  await deps.tasks.resume(scope, container.id);
  deps.containers.saveState(container, { status: "running", pausedBriefly: false });
  publishContainerEvent(deps.events, container, "unpause");
}

/** For as long as the engine copies what the container has. One that does not run, or is paused already, needs none: nothing is undone
 *  then. */
export async function pauseBriefly(deps: PauseDeps, id: string): Promise<AsyncDisposable | undefined> {
  if (deps.containers.get(id).state.status !== "running") return undefined;
  await pauseContainer(deps, id, true);
  return {
    [Symbol.asyncDispose]: async () => {
      if (deps.containers.find(id)?.state.status === "paused") await unpauseContainer(deps, id);
    },
  };
}
