// DELETE /networks/{id}, and the removal of all that nobody uses.

import type { Clock } from "#base/clock.ts";
import { EngineError, prefixed } from "#base/errors.ts";
import { isPredefined } from "#engine/containers/network-names.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { NetworkController } from "#network/controller.ts";
import type { Filters } from "../filters.ts";
import { publishPrune, readUntil } from "../pruning.ts";

export interface RemoveNetworkDeps {
  readonly networks: Pick<NetworkController, "get" | "list" | "remove">;
  readonly events: Pick<EventBus, "publish">;
}

export async function removeNetwork(
  deps: RemoveNetworkDeps,
  nameOrId: string,
  signal: AbortSignal,
): Promise<void> {
  const { name, id } = deps.networks.get(nameOrId);
  if (isPredefined(name))
    throw new EngineError("forbidden", `${name} is a pre-defined network and cannot be removed`);
  try {
    await removeOne(deps, id, signal);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw prefixed("error while removing network: ", error);
  }
}

/** Nothing is said of a network that is only settings. */
async function removeOne(deps: RemoveNetworkDeps, id: string, signal: AbortSignal): Promise<void> {
  const network = await deps.networks.remove(id, signal);
  if (network.configOnly) return;
  deps.events.publish({
    type: "network",
    action: "destroy",
    actorId: network.id,
    attributes: { name: network.name, type: network.driver },
  });
}

/** Returns the names of those that are gone. */
export async function pruneNetworks(
  deps: RemoveNetworkDeps & { readonly clock: Clock },
  filters: Filters,
  signal: AbortSignal,
): Promise<readonly string[]> {
  filters.validate(["label", "label!", "until"]);
  const until = readUntil(filters, deps.clock.now());
  const unused = deps.networks
    .list()
    .filter(
      (network) =>
        !isPredefined(network.name) &&
        !network.configOnly &&
        (until === undefined || BigInt(network.createdAt) * 1_000_000n <= until) &&
        filters.matchLabels(network.labels) &&
        network.endpoints.length === 0,
    );
  const removed: string[] = [];
  for (const { id, name } of unused) {
    if (signal.aborted) break;
    try {
      await removeOne(deps, id, signal);
      removed.push(name);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error; // it has come into use
    }
  }
  if (!signal.aborted) publishPrune(deps.events, "network", 0);
  return removed;
}
