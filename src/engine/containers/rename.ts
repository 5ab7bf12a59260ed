// POST /containers/{id}/rename.

import { EngineError, invalid, prefixed } from "#base/errors.ts";
import type { EventBus } from "#engine/events/events.ts";
import { publishContainerEvent } from "./container-events.ts";
import { parseContainerName } from "./names.ts";
import type { ContainerStore, NameReservation } from "./store.ts";

export interface RenameDeps {
  readonly containers: ContainerStore;
  readonly events: Pick<EventBus, "publish">;
}

export async function renameContainer(deps: RenameDeps, reference: string, newName: string): Promise<void> {
  if (reference === "" || newName === "") throw invalid("Neither old nor new names may be empty");
  const container = deps.containers.get(reference);
  using _held = await container.lock.acquire();
  const oldName = container.record.name;
  if (newName.replace(/^\//, "") === oldName)
    throw invalid("Renaming a container with the same name as its current name");
  using reserved = reserve(deps, newName, container.id);
  deps.containers.saveRecord(container, { name: reserved.name });
  publishContainerEvent(deps.events, container, "rename", { oldName: `/${oldName}` });
}

function reserve(deps: RenameDeps, newName: string, id: string): NameReservation {
  try {
    const name = parseContainerName(newName.startsWith("/") ? newName : `/${newName}`);
    return deps.containers.reserveName(name, id);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw prefixed("Error when allocating new name: ", error);
  }
}
