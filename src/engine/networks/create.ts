// POST /networks/create.

import { EngineError, invalid, unsupported } from "#base/errors.ts";
import { isPredefined } from "#engine/containers/network-names.ts";
import type { EventBus } from "#engine/events/events.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import type { NetworkController, NetworkInfo } from "#network/controller.ts";
import { checkSubnets, type SubnetSetting } from "#network/ipam/check-subnets.ts";
import type { NetworkSpec } from "#network/network-spec.ts";
import type { NetworkCreateRequest } from "#spec/engine-api/definitions.table.ts";

export interface CreateNetworkDeps {
  readonly networks: Pick<NetworkController, "create">;
  readonly events: Pick<EventBus, "publish">;
  /** Options that networks have whose request does not name them, by driver. */
  readonly defaultNetworkOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
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
  const spec = specOf(withDefaults(deps, request), minor);
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

const ENABLE_IPV4 = "com.docker.network.enable_ipv4";
const ENABLE_IPV6 = "com.docker.network.enable_ipv6";

/** A network that takes its settings from another one has no options of its own. What the request itself says of the families holds. */
function withDefaults(
  { defaultNetworkOptions }: Pick<CreateNetworkDeps, "defaultNetworkOptions">,
  request: NetworkCreateRequest,
): NetworkCreateRequest {
  const given = defaultNetworkOptions[request.Driver || "bridge"];
  if (given === undefined || (request.ConfigFrom ?? null) !== null) return request;
  const { EnableIPv4, EnableIPv6 } = request;
  const options = Object.entries({ ...given, ...request.Options }).filter(
    ([label]) =>
      !(label === ENABLE_IPV4 && EnableIPv4 !== undefined) &&
      !(label === ENABLE_IPV6 && EnableIPv6 !== undefined),
  );
  return { ...request, Options: Object.fromEntries(options) };
}

function isEnabled(options: NetworkSpec["options"], label: string, otherwise: boolean): boolean {
  const text = options[label];
  if (text === undefined) return otherwise;
  const truth = parseGoBoolean(text);
  if (truth === undefined) throw invalid(`driver-opt "${label}" is not a valid bool`);
  return truth;
}

function specOf(request: NetworkCreateRequest, minor: number): NetworkSpec {
  const { IPAM: ipam, Options: options = {} } = request;
  return {
    name: request.Name ?? "",
    driver: request.Driver || "bridge",
    options,
    labels: request.Labels ?? {},
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    enableIpv4: minor < 48 || (request.EnableIPv4 ?? isEnabled(options, ENABLE_IPV4, true)),
    enableIpv6: request.EnableIPv6 ?? isEnabled(options, ENABLE_IPV6, false),
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
