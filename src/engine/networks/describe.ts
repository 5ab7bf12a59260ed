// A network as the API shows it.

import { networkName } from "#engine/containers/describe-network.ts";
import type { Container } from "#engine/containers/store.ts";
import type { NetworkInfo } from "#network/controller.ts";

export interface NetworkShown {
  readonly [field: string]: unknown;
}

/** One network with the containers on it; from API 1.52 on with the use of its addresses. */
export function inspectNetwork(
  network: NetworkInfo,
  containers: readonly Container[],
  minor: number,
): NetworkShown {
  return {
    ...describeNetwork(network, minor),
    Containers: Object.fromEntries(
      containers
        .filter((container) => isOn(container, network.name))
        .map((container) => [container.id, describeMember(container)]),
    ),
    ...(minor >= 52 && { Status: { IPAM: describeUsage(network) } }),
  };
}

function describeUsage({ subnet, addresses }: NetworkInfo): NetworkShown {
  if (subnet === undefined || addresses === undefined) return {};
  return {
    Subnets: { [subnet]: { IPsInUse: addresses.taken, DynamicIPsAvailable: addresses.free } },
  };
}

/** One of a list: without its containers, which had an empty field until 1.51. From API 1.48 on it is told that IPv4 is on. */
export function describeNetwork(network: NetworkInfo, minor: number): NetworkShown {
  const { subnet, gateway } = network;
  const config =
    subnet === undefined ? [] : [{ Subnet: subnet, ...(gateway === undefined ? {} : { Gateway: gateway }) }];
  return {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt.toISOString(),
    Scope: "local",
    Driver: network.driver,
    ...(minor >= 48 ? { EnableIPv4: true } : {}),
    EnableIPv6: false,
    IPAM: { Driver: "default", Options: null, Config: config },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    ...(minor < 52 && { Containers: {} }),
    Options: network.options,
    Labels: {},
  };
}

const isOn = (container: Container, network: string): boolean =>
  container.running && networkName(container.record) === network;

function describeMember({ record, state }: Container): NetworkShown {
  const endpoint = state.network?.sandbox.endpoint;
  return {
    Name: record.name,
    EndpointID: endpoint?.endpointId ?? "",
    MacAddress: endpoint?.macAddress ?? "",
    IPv4Address: endpoint === undefined ? "" : `${endpoint.ipv4}/${endpoint.prefixLength}`,
    IPv6Address: "",
  };
}
