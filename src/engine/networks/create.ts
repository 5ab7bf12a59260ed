// POST /networks/create.

import { EngineError, unsupported } from "#base/errors.ts";
import { isPredefined } from "#engine/containers/network-names.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { NetworkController, NetworkInfo } from "#network/controller.ts";
import { checkSubnets, type SubnetSetting } from "#network/ipam/check-subnets.ts";
import type { NetworkSpec } from "#network/network-spec.ts";
import type { NetworkCreateRequest } from "#spec/engine-api/definitions.table.ts";

export interface CreateNetworkDeps {
  readonly networks: Pick<NetworkController, "create">;
  readonly events: Pick<EventBus, "publish">;
}

const forbidden = (message: string): EngineError => new EngineError("forbidden", message);

/** Rejects in Docker's words. `minor`: before 1.48 a network could not be without IPv4. */
export async function createNetwork(
  deps: CreateNetworkDeps,
  request: NetworkCreateRequest,
  minor: number,
  signal: AbortSignal,
): Promise<NetworkInfo> {
  const name = request.Name ?? "";
  if (isPredefined(name)) throw forbidden(`operation is not permitted on predefined ${name} network `);
  const spec = specOf(request, minor);
  checkScope(request);
  checkSubnets(spec.ipam.config, spec.enableIpv6);
  checkReferences(spec, request.Scope ?? "");
  const network = await deps.networks.create(spec, signal);
  deps.events.publish({
    type: "network",
    action: "create",
    actorId: network.id,
    attributes: { name: network.name, type: network.driver },
  });
  return network;
}

function specOf(request: NetworkCreateRequest, minor: number): NetworkSpec {
  const { IPAM: ipam } = request;
  return {
    name: request.Name ?? "",
    driver: request.Driver || "bridge",
    options: request.Options ?? {},
    labels: request.Labels ?? {},
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    enableIpv4: minor < 48 || (request.EnableIPv4 ?? true),
    enableIpv6: request.EnableIPv6 ?? false,
    ipam: {
      driver: ipam?.Driver ?? "",
      options: ipam?.Options ?? null,
      config: (ipam?.Config ?? []).map(subnetOf),
    },
    configOnly: request.ConfigOnly ?? false,
    configFrom: request.ConfigFrom?.Network ?? "",
  };
}

type Config = NonNullable<NonNullable<NetworkCreateRequest["IPAM"]>["Config"]>[number];

const subnetOf = ({ Subnet, IPRange, Gateway, AuxiliaryAddresses }: Config): SubnetSetting => ({
  auxiliary: AuxiliaryAddresses ?? {},
  ...(Subnet !== undefined && Subnet !== "" && { subnet: Subnet }),
  ...(IPRange !== undefined && IPRange !== "" && { range: IPRange }),
  ...(Gateway !== undefined && Gateway !== "" && { gateway: Gateway }),
});

function checkScope({ Scope: scope = "", Ingress: ingress }: NetworkCreateRequest): void {
  if (ingress === true) throw forbidden("Ingress network can only be global scope network");
  if (scope === "swarm") throw forbidden("cannot create a swarm scoped network when swarm is not active");
  if (scope !== "" && scope !== "local") throw unsupported(`--scope ${scope}`);
}

/** What a network that settings are taken from, and one that takes them, can be. */
function checkReferences(spec: NetworkSpec, scope: string): void {
  if (spec.configOnly && (spec.internal || spec.attachable || scope !== ""))
    throw forbidden(
      "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.",
    );
  if (spec.configFrom === "") return;
  if (spec.configOnly)
    throw forbidden("a configuration network cannot depend on another configuration network");
  const { ipam } = spec;
  const isPlain =
    (ipam.driver === "" || ipam.driver === "default") &&
    Object.keys(ipam.options ?? {}).length + ipam.config.length + Object.keys(spec.labels).length === 0 &&
    spec.enableIpv4 &&
    !spec.enableIpv6;
  if (!isPlain)
    throw forbidden(
      "user specified configurations are not supported if the network depends on a configuration network",
    );
  if (Object.keys(spec.options).length > 0)
    throw forbidden(
      "network driver options are not supported if the network depends on a configuration network",
    );
}
