// GET /networks: which networks a client asked for.

import { invalid } from "#base/errors.ts";
import { isPredefined } from "#engine/containers/network-names.ts";
import type { NetworkController, NetworkInfo } from "#network/controller.ts";
import type { Filters } from "../filters.ts";

const accepted = ["dangling", "driver", "id", "label", "name", "scope", "type"];

/** What can be looked at. */
export type KnownNetworks = Pick<NetworkController, "get" | "list">;

export function listNetworks(
  networks: Pick<KnownNetworks, "list">,
  filters: Filters,
): readonly NetworkInfo[] {
  filters.validate(accepted);
  for (const type of filters.values("type"))
    if (type !== "builtin" && type !== "custom") throw invalid(`invalid filter: 'type'='${type}'`);
  const dangling = readDangling(filters);
  return networks
    .list()
    .filter(
      (network) =>
        filters.matchExact("driver", network.driver) &&
        filters.matchPattern("id", network.id) &&
        filters.matchPattern("name", network.name) &&
        filters.matchExact("scope", "local") &&
        filters.matchExact("type", isPredefined(network.name) ? "builtin" : "custom") &&
        filters.matchPairs("label", network.labels) &&
        (dangling === undefined || dangling === isDangling(network)),
    );
}

/** Nobody uses it, and somebody could remove it. */
const isDangling = ({ name, endpoints }: NetworkInfo): boolean =>
  !isPredefined(name) && endpoints.length === 0;

function readDangling(filters: Filters): boolean | undefined {
  const [value, ...more] = filters.values("dangling");
  if (more.length > 0) throw invalid('got more than one value for filter key "dangling"');
  if (value === undefined) return undefined;
  if (["true", "1"].includes(value)) return true;
  if (["false", "0"].includes(value)) return false;
  throw invalid(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
}
