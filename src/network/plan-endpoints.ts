// What the endpoints of a sandbox will be: addresses, the order of their interfaces, names and numbers.

import type { Endpoint, EndpointRequest } from "./controller.ts";
import type { DriverNetwork, Joined } from "./drivers/driver.ts";
import { chooseInterfaceName, compareClaims, findExits } from "./endpoint-order.ts";
import { macOf } from "./endpoint-values.ts";
import type { GivenAddress } from "./ipam/network-pools.ts";
import type { LiveNetwork } from "./live-network.ts";
import { isIpv6 } from "./network-spec.ts";
import type { DefaultRoute, LinkRoute } from "./sandbox-plan.ts";

export interface PlannedEndpoint {
  readonly network: LiveNetwork;
  readonly endpoint: Endpoint;
  readonly addresses: readonly GivenAddress[];
  /** It has an interface. */
  readonly hasLink: boolean;
  /** Beside those that its addresses give it. */
  readonly routes: readonly LinkRoute[];
  readonly sysctls: readonly { readonly path: string; readonly value: string }[];
}

export interface Asked {
  readonly network: LiveNetwork;
  readonly request: EndpointRequest;
}

/** What an endpoint has been given before it is planned. */
export interface Given {
  readonly addresses: readonly GivenAddress[];
  /** That was chosen for it. */
  readonly macAddress?: string;
  /** By the process that makes the network's endpoints, if one does. */
  readonly joined?: Joined;
}

/** Those that a sandbox has already, and the number of an interface that comes next. */
export interface Place {
  readonly present: readonly Endpoint[];
  readonly nextIndex: number;
}

const IFNAME = "com.docker.network.endpoint.ifname";
const SYSCTLS = "com.docker.network.endpoint.sysctls";

/** In the order of their claims to the gateway. `given`: for each request, in their order. */
export function planEndpoints(
  asked: readonly Asked[],
  given: readonly Given[],
  place: Place,
): readonly PlannedEndpoint[] {
  const drafts = asked
    .map(({ network, request }, index) => draftOf(network, request, given[index] ?? { addresses: [] }))
    .sort((one, other) => compareClaims(claimOf(one), claimOf(other)));
  const taken = new Set([
    ...place.present.map(({ interfaceName }) => interfaceName),
    ...drafts.map(({ wantedName }) => wantedName),
  ]);
  let index = place.nextIndex;
  return drafts.map(({ wantedName, interfacePrefix, ...draft }) => {
    if (!draft.hasLink) return draft;
    const interfaceName = wantedName || chooseInterfaceName(interfacePrefix, taken);
    taken.add(interfaceName);
    const { request: _request, ...planned } = draft;
    return {
      ...planned,
      endpoint: { ...draft.endpoint, interfaceName, interfaceIndex: index++ },
      sysctls: readSysctls(draft.request.driverOptions?.[SYSCTLS] ?? "", interfaceName),
    };
  });
}

function draftOf(network: LiveNetwork, request: EndpointRequest, given: Given) {
  const { addresses, joined } = given;
  const all = [...addresses.map(({ address }) => address), ...(joined?.addresses ?? [])];
  const [ipv4 = "", length4 = "0"] = split(all.find((address) => !isIpv6(address)));
  const [ipv6 = "", length6 = "0"] = split(all.find(isIpv6));
  const { record, driver } = network;
  const hasLink = joined?.hasLink ?? driver.hasLink;
  const endpoint: Endpoint = {
    networkId: record.id,
    networkName: record.name,
    endpointId: request.endpointId,
    ...(request.endpointName !== undefined && { endpointName: request.endpointName }),
    interfaceName: "",
    ipv4,
    prefixLength: Number(length4),
    gateway: joined?.gateway ?? network.gatewayOf(ipv4),
    ...(ipv6 !== "" && {
      ipv6,
      ipv6PrefixLength: Number(length6),
      ipv6Gateway: joined?.ipv6Gateway ?? network.gatewayOf(ipv6),
    }),
    ...(request.linkLocal !== undefined && { linkLocal: request.linkLocal }),
    macAddress: macAddressOf(driver, request, given, ipv4),
    ...(request.names !== undefined && { names: request.names }),
    ...(request.links !== undefined && { links: request.links }),
    ...(request.gatewayPriority !== undefined && { gatewayPriority: request.gatewayPriority }),
    ports: [],
  };
  const wantedName = request.driverOptions?.[IFNAME] ?? "";
  return {
    ...{ network, request, endpoint, addresses, wantedName, hasLink, sysctls: [] },
    interfacePrefix: joined?.interfacePrefix ?? driver.interfacePrefix,
    routes: joined?.routes ?? [],
  };
}

function macAddressOf(
  driver: DriverNetwork,
  request: EndpointRequest,
  { macAddress: chosen, joined }: Given,
  ipv4: string,
): string {
  if (joined !== undefined) return joined.macAddress;
  if (!driver.hasLink) return "";
  const wanted = chosen ?? request.macAddress;
  if (driver.macAddress !== undefined) return driver.macAddress(wanted);
  return wanted ?? macOf(ipv4, request.endpointId);
}

const split = (address = ""): readonly string[] => (address === "" ? [] : address.split("/"));

const claimOf = ({ network, endpoint }: Pick<PlannedEndpoint, "network" | "endpoint">) => ({
  gatewayPriority: endpoint.gatewayPriority ?? 0,
  networkName: endpoint.networkName,
  internal: network.record.internal,
  gateways: [endpoint.gateway, endpoint.ipv6Gateway ?? ""].filter((gateway) => gateway !== "").length,
});

/** Those of a sandbox, in the order of their claims. */
export const orderEndpoints = (
  endpoints: readonly Endpoint[],
  networkOf: (endpoint: Endpoint) => LiveNetwork,
): readonly Endpoint[] => {
  const claims = new Map(
    endpoints.map((endpoint) => [endpoint, claimOf({ network: networkOf(endpoint), endpoint })]),
  );
  return [...endpoints].sort((one, other) => {
    const [a, b] = [claims.get(one), claims.get(other)];
    return a === undefined || b === undefined ? 0 : compareClaims(a, b);
  });
};

/** "net.ipv4.conf.IFNAME.log_martians=1,…": checked by who asked. */
function readSysctls(text: string, interfaceName: string): PlannedEndpoint["sysctls"] {
  return text
    .split(",")
    .filter((setting) => setting !== "")
    .map((setting) => {
      const equals = setting.indexOf("=");
      const [net, family, table, , ...name] = setting.slice(0, equals).split(".");
      const path = [net, family, table, interfaceName, name.join(".")].join("/");
      return { path, value: setting.slice(equals + 1) };
    });
}

/** Where a sandbox's packets for others go. */
export function planRoutes(
  endpoints: readonly Endpoint[],
  exitsByLink: (endpoint: Endpoint) => boolean,
): readonly DefaultRoute[] {
  const { ipv4, ipv6 } = findExits(endpoints, exitsByLink);
  return [
    ...(ipv4 === undefined
      ? []
      : [{ family: 4, gateway: ipv4.gateway, linkIndex: ipv4.interfaceIndex ?? 0 } as const]),
    ...(ipv6 === undefined
      ? []
      : [{ family: 6, gateway: ipv6.ipv6Gateway ?? "", linkIndex: ipv6.interfaceIndex ?? 0 } as const]),
  ];
}
