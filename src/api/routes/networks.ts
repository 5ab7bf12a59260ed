// Routes of networks.

import type { Clock } from "#base/clock.ts";
import { invalid } from "#base/errors.ts";
import type { ContainerStore } from "#engine/containers/store.ts";
import { parseFilters } from "#engine/filters.ts";
import { type ConnectNetworkDeps, connectNetwork, disconnectNetwork } from "#engine/networks/connect.ts";
import { type CreateNetworkDeps, createNetwork } from "#engine/networks/create.ts";
import { describeNetwork, inspectNetwork } from "#engine/networks/describe.ts";
import { type KnownNetworks, listNetworks } from "#engine/networks/list.ts";
import { pruneNetworks, type RemoveNetworkDeps, removeNetwork } from "#engine/networks/remove.ts";
import type { PruneTurn } from "#engine/pruning.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import { decodeEndpointConfig } from "#spec/container-config.ts";
import { decodeBody } from "#spec/engine-api/decode.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";

export interface NetworkRouteDeps extends CreateNetworkDeps, RemoveNetworkDeps, ConnectNetworkDeps {
  readonly networks: KnownNetworks &
    CreateNetworkDeps["networks"] &
    RemoveNetworkDeps["networks"] &
    ConnectNetworkDeps["networks"];
  readonly containers: ConnectNetworkDeps["containers"] & Pick<ContainerStore, "list">;
  readonly clock: Clock;
  readonly networkPrunes: PruneTurn;
}

const json = (value: unknown, status = 200): ApiResponse => ({ kind: "json", status, value });

export function networkRoutes(deps: NetworkRouteDeps): Route[] {
  return [
    { method: "GET", path: "/networks", handle: async (call) => json(list(deps, call)) },
    { method: "GET", path: "/networks/:id", handle: async (call) => json(inspect(deps, call)) },
    { method: "POST", path: "/networks/create", handle: (call) => create(deps, call) },
    { method: "POST", path: "/networks/prune", handle: (call) => prune(deps, call) },
    {
      method: "DELETE",
      path: "/networks/:id",
      handle: async ({ params, signal }) => {
        await removeNetwork(deps, params.id ?? "", signal);
        return { kind: "empty", status: 204 };
      },
    },
    { method: "POST", path: "/networks/:id/connect", handle: (call) => connect(deps, call) },
    { method: "POST", path: "/networks/:id/disconnect", handle: (call) => disconnect(deps, call) },
  ];
}

/** A list tells no containers, as Docker's since API 1.28. */
function list(deps: NetworkRouteDeps, { query, version }: ApiCall): readonly unknown[] {
  const found = listNetworks(deps.networks, parseFilters(query.get("filters")));
  if (version.minor >= 28) return found.map((network) => describeNetwork(network, version.minor));
  const members = deps.containers.list();
  return found.map((network) => inspectNetwork(network, members, version.minor));
}

/** `verbose` adds services, of which there are none. */
function inspect(deps: NetworkRouteDeps, { params, query, version }: ApiCall): unknown {
  const verbose = query.get("verbose") ?? "";
  if (verbose !== "" && parseGoBoolean(verbose) === undefined)
    throw invalid(
      `invalid value for verbose: ${verbose}: strconv.ParseBool: parsing ${JSON.stringify(verbose)}: invalid syntax`,
    );
  return inspectNetwork(deps.networks.get(params.id ?? ""), deps.containers.list(), version.minor);
}

async function create(deps: NetworkRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const request = decodeBody("NetworkCreateRequest", await call.json());
  const { id } = await createNetwork(deps, request, call.version.minor, call.signal);
  return json({ Id: id, Warning: "" }, 201);
}

async function prune(deps: NetworkRouteDeps, { query, signal }: ApiCall): Promise<ApiResponse> {
  const filters = parseFilters(query.get("filters"));
  const removed = await deps.networkPrunes.run(() => pruneNetworks(deps, filters, signal));
  return json({ NetworksDeleted: removed.length === 0 ? null : removed });
}

async function connect(deps: NetworkRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const { Container: container = "", EndpointConfig } = decodeBody(
    "NetworkConnectRequest",
    await call.json(),
  );
  const { minor } = call.version;
  const asked = decodeEndpointConfig(EndpointConfig ?? {}, "EndpointConfig");
  const endpoint = {
    ...asked,
    ...(minor < 54 && { MacAddress: "" }),
    ...(minor < 48 && { GwPriority: 0 }),
  };
  await connectNetwork(deps, call.params.id ?? "", { container, endpoint }, call.signal);
  return { kind: "empty", status: 200 };
}

async function disconnect(deps: NetworkRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const { Container: container = "", Force: force = false } = decodeBody(
    "NetworkDisconnectRequest",
    await call.json(),
  );
  await disconnectNetwork(deps, call.params.id ?? "", { container, force });
  return { kind: "empty", status: 200 };
}
