// A network as the API shows it.

import type { Container } from "#engine/containers/store.ts";
import type { NetworkInfo } from "#network/controller.ts";

export interface NetworkShown {
  readonly [field: string]: unknown;
}

/** One network with the containers on it; from API 1.52 on with the use of its addresses. */
export function inspectNetwork(
  network: NetworkInfo,
  containers: Iterable<Container>,
  minor: number,
): NetworkShown {
  const members = [...containers].flatMap((container) => {
    const member = describeMember(container, network);
    return member === undefined ? [] : [[container.id, member] as const];
  });
  return {
    ...describeNetwork(network, minor),
    Containers: Object.fromEntries(members),
    ...(minor >= 52 && { Status: { IPAM: describeUsage(network) } }),
  };
}

function describeUsage({ usage }: NetworkInfo): NetworkShown {
  if (usage.length === 0) return {};
  return {
    Subnets: Object.fromEntries(
      usage.map(({ subnet, taken, free }) => [
        subnet,
        { IPsInUse: Number(taken), DynamicIPsAvailable: Number(free) },
      ]),
    ),
  };
}

/** One of a list: without its containers, which had an empty field until 1.51. From API 1.48 on it is told that IPv4 is on. */
export function describeNetwork(network: NetworkInfo, minor: number): NetworkShown {
  return {
    Name: network.name,
    Id: network.id,
    Created: new Date(network.createdAt).toISOString(),
    Scope: "local",
    Driver: network.driver,
    ...(minor >= 48 ? { EnableIPv4: network.enableIpv4 } : {}),
    EnableIPv6: network.enableIpv6,
    IPAM: {
      Driver: network.ipam.driver,
      Options: network.ipam.options,
      Config: describeSubnets(network),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom },
    ConfigOnly: network.configOnly,
    ...(minor < 52 && { Containers: {} }),
    Options: network.options,
    Labels: network.labels,
  };
}

/** As they were asked for; those of a family for which none was asked, as they were chosen. */
function describeSubnets({ name, ipam, pools }: NetworkInfo): readonly NetworkShown[] {
  const isIpv6 = ({ subnet = "" }): boolean => subnet.includes(":");
  const asked = ipam.config.filter(({ subnet }) => subnet !== undefined);
  return [false, true].flatMap((family) => {
    const given = asked.filter((setting) => isIpv6(setting) === family);
    if (given.length > 0)
      return given.map(({ subnet, range, gateway, auxiliary }) => ({
        Subnet: subnet,
        ...(range !== undefined && { IPRange: range }),
        ...(gateway !== undefined && { Gateway: gateway }),
        ...(Object.keys(auxiliary).length > 0 && { AuxiliaryAddresses: auxiliary }),
      }));
    return pools
      .filter((pool) => isIpv6(pool) === family)
      .map(({ subnet, gateway }) => ({
        Subnet: subnet,
        // As Docker: that of the default bridge is told when it was not chosen automatically.
        ...(gateway !== undefined && name !== "bridge" && { Gateway: gateway }),
      }));
  });
}

function describeMember(
  { record, state, running }: Container,
  network: NetworkInfo,
): NetworkShown | undefined {
  const endpoint = state.network?.sandbox.endpoints.find(({ networkId }) => networkId === network.id);
  const isOnHost = network.name === "host" && record.hostConfig.NetworkMode === "host" && running;
  if (endpoint === undefined && !isOnHost) return undefined;
  const withPrefix = (address = "", length = 0): string => (address === "" ? "" : `${address}/${length}`);
  return {
    Name: record.name,
    EndpointID: endpoint?.endpointId ?? "",
    MacAddress: endpoint?.macAddress ?? "",
    IPv4Address: withPrefix(endpoint?.ipv4, endpoint?.prefixLength),
    IPv6Address: withPrefix(endpoint?.ipv6, endpoint?.ipv6PrefixLength),
  };
}
