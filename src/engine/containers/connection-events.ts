// Docker's events about what a running container uses: its network and its volumes.

import type { EventBus } from "#engine/events/events.ts";
import type { NetworkController } from "#network/controller.ts";
import { networkName } from "./describe-network.ts";
import type { Container } from "./store.ts";

export interface ConnectionEventDeps {
  readonly events: Pick<EventBus, "publish">;
  readonly networks: Pick<NetworkController, "list">;
}

/** Nothing is said of a namespace that another container made. */
export function publishConnection(
  deps: ConnectionEventDeps,
  container: Container,
  action: "connect" | "disconnect",
): void {
  const mode = networkName(container.record);
  if (mode.startsWith("container:")) return;
  const network = deps.networks.list().find(({ name }) => name === mode);
  if (network === undefined) return; // an engine without a bridge
  const { id, name, driver } = network;
  deps.events.publish({
    type: "network",
    action,
    actorId: id,
    attributes: { container: container.id, name, type: driver },
  });
}

export function publishVolumeUse(
  deps: Pick<ConnectionEventDeps, "events">,
  container: Container,
  action: "mount" | "unmount",
): void {
  for (const { type, name, driver, destination, writable, propagation } of container.record.mounts) {
    if (type !== "volume") continue;
    const detail = action === "mount" ? { destination, propagation, "read/write": String(writable) } : {};
    deps.events.publish({
      type: "volume",
      action,
      actorId: name,
      attributes: { container: container.id, driver, ...detail },
    });
  }
}
