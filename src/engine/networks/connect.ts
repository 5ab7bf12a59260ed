// POST /networks/{id}/connect and …/disconnect: a container that runs is on the network when it returns, one that does not will be.

import { join } from "node:path";
import { EngineError, invalid, systemError } from "#base/errors.ts";
import { joinAll } from "#base/join.ts";
import { publishConnection } from "#engine/containers/connection-events.ts";
import { endpointOn } from "#engine/containers/describe-network.ts";
import { validateEndpoint } from "#engine/containers/endpoint-settings.ts";
import type { EtcDirectory } from "#engine/containers/etc-directory.ts";
import { containerOf } from "#engine/containers/namespace-modes.ts";
import { isUserDefined } from "#engine/containers/network-names.ts";
import { networkReference, planEndpoint } from "#engine/containers/network-plan.ts";
import { hasProcess } from "#engine/containers/record.ts";
import type { Container, ContainerStore } from "#engine/containers/store.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { NetworkController, NetworkInfo, Sandbox } from "#network/controller.ts";
import type { EndpointConfig } from "#spec/container-config.ts";

export interface ConnectNetworkDeps {
  readonly networks: Pick<NetworkController, "get" | "find" | "connect" | "disconnect">;
  readonly containers: Pick<ContainerStore, "get" | "find" | "saveRecord" | "saveState">;
  readonly events: Pick<EventBus, "publish">;
  readonly etc: Pick<EtcDirectory, "writeHosts" | "writeResolvConf">;
  readonly containersDir: string;
}

const sharedNamespace = (): EngineError =>
  invalid(
    "container sharing network namespace with another container or host cannot be connected to any other network",
  );

export async function connectNetwork(
  deps: ConnectNetworkDeps,
  reference: string,
  {
    container: containerReference,
    endpoint,
  }: { readonly container: string; readonly endpoint: EndpointConfig },
  signal: AbortSignal,
): Promise<void> {
  const container = deps.containers.get(containerReference);
  using _held = await container.lock.acquire();
  refuseRemoved(container);
  if (hasProcess(container.state))
    return await connectRunning(deps, container, { reference, endpoint }, signal);
  const network = deps.networks.find(reference);
  if (network !== undefined) {
    validateEndpoint(network, endpoint);
    if (!isNew(deps, container, network)) return; // as Docker: nothing is changed, and nothing is said
  }
  const networks = { ...container.record.networks, [network?.name ?? reference]: endpoint };
  deps.containers.saveRecord(container, { networks });
}

async function connectRunning(
  deps: ConnectNetworkDeps,
  container: Container,
  { reference, endpoint }: { readonly reference: string; readonly endpoint: EndpointConfig },
  signal: AbortSignal,
): Promise<void> {
  const { record, state } = container;
  if (containerOf(record.hostConfig.NetworkMode) !== undefined) throw sharedNamespace();
  const network = deps.networks.get(reference);
  validateEndpoint(network, endpoint);
  isNew(deps, container, network);
  if (endpointOn(state, network.name) !== undefined)
    throw new EngineError(
      "forbidden",
      `endpoint with name ${record.name} already exists in network ${network.name}`,
    );
  if (state.network === null) throw sharedNamespace();
  const known = isUserDefined(network.name) ? { ...endpoint, NetworkID: network.id } : endpoint;
  const request = planEndpoint(record, network.name, known);
  const sandbox = await deps.networks.connect(state.network.sandbox.id, request, signal);
  await settle(deps, container, sandbox, { ...record.networks, [network.name]: known });
  publishConnection(deps, container.id, { name: network.name, action: "connect" });
}

/** False: the container is on it already. Throws for networks that do not go together. */
function isNew(deps: ConnectNetworkDeps, { record }: Container, network: NetworkInfo): boolean {
  const { NetworkMode: mode } = record.hostConfig;
  if (mode !== "host" && network.name === "host")
    throw invalid(
      "cannot connect container to host network - container must be created in host network mode",
    );
  if (containerOf(mode) !== undefined) throw sharedNamespace();
  const others = Object.entries(record.networks).flatMap(([name, kept]) => {
    const other = deps.networks.find(networkReference(name, kept));
    return other === undefined ? [] : [other.name];
  });
  if (others.includes(network.name)) return false;
  if (others.length > 0) refuseBeside([...others, network.name]);
  return true;
}

function refuseBeside(names: readonly string[]): void {
  if (names.includes("host")) throw sharedNamespace();
  if (names.includes("none"))
    throw invalid(
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
}

/** The new state is saved, and the hosts file tells of it. */
async function settle(
  deps: ConnectNetworkDeps,
  container: Container,
  sandbox: Sandbox,
  networks: Container["record"]["networks"],
): Promise<void> {
  deps.containers.saveRecord(container, { networks });
  deps.containers.saveState(container, { network: { sandbox } });
  const directory = join(deps.containersDir, container.id);
  await joinAll([
    deps.etc.writeResolvConf(directory, container.record),
    deps.etc.writeHosts(directory, container.record, sandbox.endpoints),
  ]);
}

function refuseRemoved({ id, removed, removing, state }: Container): void {
  if (removed || removing || state.status === "removing" || state.status === "dead")
    throw systemError(
      `Container ${id} is marked for removal and cannot be connected or disconnected to the network`,
    );
}

export async function disconnectNetwork(
  deps: ConnectNetworkDeps,
  reference: string,
  { container: containerReference, force }: { readonly container: string; readonly force: boolean },
): Promise<void> {
  const container = force
    ? deps.containers.find(containerReference)
    : deps.containers.get(containerReference);
  if (container === undefined) {
    deps.networks.get(reference);
    throw new EngineError("notFound", `endpoint ${containerReference} not found`);
  }
  using _held = await container.lock.acquire();
  refuseRemoved(container);
  const network = deps.networks.find(reference);
  if (hasProcess(container.state) && !(network === undefined && force)) {
    await disconnectRunning(deps, container, deps.networks.get(reference));
    return;
  }
  const name = network?.name ?? reference;
  const { [name]: left, ...networks } = container.record.networks;
  if (left === undefined)
    throw systemError(`container ${container.id} is not connected to the network ${name}`);
  deps.containers.saveRecord(container, { networks });
}

async function disconnectRunning(
  deps: ConnectNetworkDeps,
  container: Container,
  network: NetworkInfo,
): Promise<void> {
  const { record, state } = container;
  if (record.hostConfig.NetworkMode === "host" && network.name === "host")
    throw invalid(
      "cannot disconnect container from host network - container was created in host network mode",
    );
  const endpoint = endpointOn(state, network.name);
  if (state.network === null || endpoint === undefined)
    throw systemError(`container ${container.id} is not connected to network ${network.name}`);
  const { [network.name]: _left, ...networks } = record.networks;
  // Known before it is done: what is left of it when the daemon is killed goes at the next start.
  const before = state.network;
  const endpoints = before.sandbox.endpoints.filter((other) => other !== endpoint);
  deps.containers.saveState(container, { network: { sandbox: { ...before.sandbox, endpoints } } });
  const sandbox = await deps.networks.disconnect(before.sandbox.id, network.id).catch((error: unknown) => {
    deps.containers.saveState(container, { network: before });
    throw error;
  });
  await settle(deps, container, sandbox, networks);
  publishConnection(deps, container.id, { name: network.name, action: "disconnect" });
}
