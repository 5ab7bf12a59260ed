// POST /containers/{id}/update with PublishAdd and PublishRemove, Gantry's own: published ports of a container change while it runs.

import { conflict, invalid } from "#base/errors.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { NetworkController } from "#network/controller.ts";
import { decodePortBindings, type UpdateRequest } from "#spec/container-config.ts";
import { type PortBindings, unpackBindings } from "#spec/port-ranges.ts";
import { publishContainerEvent } from "./container-events.ts";
import { boundPorts } from "./describe-network.ts";
import { changeBindings, findBound, type PortChanges } from "./port-changes.ts";
import { joinRanges, planPorts, readBindings } from "./ports.ts";
import { hasProcess } from "./record.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface UpdatePortsDeps {
  readonly containers: Pick<ContainerStore, "get" | "saveRecord" | "saveState">;
  readonly networks: Pick<NetworkController, "changePorts">;
  readonly events: Pick<EventBus, "publish">;
}

/** Limits are changed by a request of their own: of one that fails nothing is left. */
export function refuseBesidePorts(request: UpdateRequest): void {
  const { PublishAdd: _add, PublishRemove: _remove, RestartPolicy: policy, ...limits } = request;
  const isGiven = Object.values(limits).some((value) => value !== 0 && value !== "");
  if (isGiven || (policy !== undefined && policy.Name !== ""))
    throw invalid("published ports cannot be updated together with limits or the restart policy");
}

/** Returns what the container publishes from now on, also at its next start. */
export async function updatePorts(
  deps: UpdatePortsDeps,
  reference: string,
  changes: PortChanges,
): Promise<PortBindings> {
  const container = deps.containers.get(reference);
  using _held = await container.lock.acquire();
  if (container.removed || container.removing)
    throw conflict(
      `Cannot update container ${container.id}: container is marked for removal and cannot be "update"`,
    );
  const { record, state } = container;
  const remove = findBound(boundPorts(state), changes);
  const before = unpackBindings(record.hostConfig.PortBindings ?? {});
  const bindings = changeBindings(record.name, before, changes, remove);
  const hostConfig = { ...record.hostConfig, PortBindings: decodePortBindings(bindings, "PortBindings") };
  const add = joinRanges(readBindings({ PortBindings: changes.add }));
  const mappings = planPorts(record.config, hostConfig);
  if (hasProcess(state)) await change(deps, container, { remove, add, mappings });
  deps.containers.saveRecord(container, { hostConfig });
  publishContainerEvent(deps.events, container, "update");
  return bindings;
}

async function change(
  { networks, containers }: UpdatePortsDeps,
  container: Container,
  ports: Parameters<NetworkController["changePorts"]>[1],
): Promise<void> {
  const { network } = container.state;
  if (network === null)
    throw conflict(`container ${container.record.name} has no network of its own to publish ports of`);
  const sandbox = await networks.changePorts(network.sandbox.id, ports);
  containers.saveState(container, { network: { ...network, sandbox } });
}
