// Routes of networks: there are three, which can be looked at.

import type { ContainerStore } from "#engine/containers/store.ts";
import type { EventBus } from "#engine/events/events.ts";
import { parseFilters } from "#engine/filters.ts";
import { describeNetwork, inspectNetwork } from "#engine/networks/describe.ts";
import { type KnownNetworks, listNetworks } from "#engine/networks/list.ts";
import { refuseChange, refuseCreate, refuseRemove } from "#engine/networks/refuse.ts";
import { publishPrune } from "#engine/pruning.ts";
import { decodeBody } from "#spec/engine-api/decode.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";

export interface NetworkRouteDeps {
  readonly networks: KnownNetworks;
  readonly containers: Pick<ContainerStore, "get" | "list">;
  readonly events: Pick<EventBus, "publish">;
}

const json = (value: unknown): ApiResponse => ({ kind: "json", status: 200, value });

export function networkRoutes(deps: NetworkRouteDeps): Route[] {
  const { networks } = deps;
  return [
    { method: "GET", path: "/networks", handle: async (call) => json(list(deps, call)) },
    { method: "GET", path: "/networks/:id", handle: async (call) => json(inspect(deps, call)) },
    {
      method: "POST",
      path: "/networks/create",
      handle: async (call) => {
        const { Name } = decodeBody("NetworkCreateRequest", await call.json());
        throw refuseCreate(Name ?? "");
      },
    },
    { method: "POST", path: "/networks/prune", handle: async (call) => json(prune(deps, call)) },
    {
      method: "DELETE",
      path: "/networks/:id",
      handle: ({ params }) => Promise.reject(refuseRemove(networks, params.id ?? "")),
    },
    ...(["connect", "disconnect"] as const).map(
      (verb): Route => ({
        method: "POST",
        path: `/networks/:id/${verb}`,
        handle: async (call) => {
          const { Container: container } = decodeBody("NetworkConnectRequest", await call.json());
          deps.containers.get(container ?? ""); // Docker looks for it first
          throw refuseChange(networks, call.params.id ?? "", verb);
        },
      }),
    ),
  ];
}

/** A list tells no containers, as Docker's since API 1.28. */
function list(deps: NetworkRouteDeps, { query, version }: ApiCall): readonly unknown[] {
  const found = listNetworks(deps.networks, parseFilters(query.get("filters")));
  if (version.minor >= 28) return found.map((network) => describeNetwork(network, version.minor));
  const members = deps.containers.list();
  return found.map((network) => inspectNetwork(network, members, version.minor));
}

function inspect(deps: NetworkRouteDeps, { params, version }: ApiCall): unknown {
  const network = deps.networks.get(params.id ?? "");
  return inspectNetwork(network, deps.containers.list(), version.minor);
}

/** The networks that there are cannot be removed. */
function prune(deps: NetworkRouteDeps, { query }: ApiCall): unknown {
  parseFilters(query.get("filters")).validate(["label", "label!", "until"]);
  publishPrune(deps.events, "network", 0);
  return { NetworksDeleted: null };
}
