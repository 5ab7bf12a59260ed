// Docker's events about what a running container uses: its networks and its volumes.

import type { EventBus } from "#engine/events/events.ts";
import type { NetworkController } from "#network/controller.ts";
import type { Container } from "./store.ts";

export interface ConnectionEventDeps {
  readonly events: Pick<EventBus, "publish">;
  readonly networks: Pick<NetworkController, "find">;
}

/** Of each network that the container is on, or was on until now. */
export function publishConnections(
  deps: ConnectionEventDeps,
  container: Container,
  action: "connect" | "disconnect",
): void {
  const { hostConfig, networks } = container.record;
  const isHost = hostConfig.NetworkMode === "host";
  const names = isHost
    ? ["host"]
    : (container.state.network?.sandbox.endpoints.map(({ networkName }) => networkName) ??
      Object.keys(networks));
  for (const name of names) publishConnection(deps, container.id, { name, action });
}

/** Nothing is said of a network that is not there: an engine may be without a bridge. */
export function publishConnection(
  deps: ConnectionEventDeps,
  containerId: string,
  { name, action }: { readonly name: string; readonly action: "connect" | "disconnect" },
): void {
  const network = deps.networks.find(name);
  if (network === undefined) return;
  deps.events.publish({
    type: "network",
    action,
    actorId: network.id,
    attributes: { container: containerId, name: network.name, type: network.driver },
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
