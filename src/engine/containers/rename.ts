// POST /containers/{id}/rename.

import { EngineError, invalid, prefixed } from "#base/errors.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { NetworkController } from "#network/controller.ts";
import { publishContainerEvent } from "./container-events.ts";
import { parseContainerName } from "./names.ts";
import { endpointNames } from "./network-plan.ts";
import type { Container, ContainerStore, NameReservation } from "./store.ts";

export interface RenameDeps {
  readonly networks: Pick<NetworkController, "rename">;
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
  renameEndpoints(deps, container);
  publishContainerEvent(deps.events, container, "rename", { oldName: `/${oldName}` });
}

/** Neighbours find a running container by its new name. */
function renameEndpoints(deps: RenameDeps, container: Container): void {
  const { record, state } = container;
  if (state.network === null) return;
  const names = state.network.sandbox.endpoints.flatMap(({ endpointId, networkName, names: before }) => {
    const asked = record.networks[networkName];
    return before === undefined || asked === undefined
      ? []
      : [[endpointId, endpointNames(record, asked)] as const];
  });
  if (names.length === 0) return;
  const sandbox = deps.networks.rename(state.network.sandbox.id, new Map(names));
  deps.containers.saveState(container, { network: { sandbox } });
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
