// Whether a container can have what is asked for its endpoints, and which networks it is on from its creation.

import { isIPv4, isIPv6 } from "node:net";
import { invalid } from "#base/errors.ts";
import { findAddress, holds, parsePrefix } from "#formats/ip-prefix.ts";
import { findMac } from "#formats/mac-address.ts";
import type { NetworkController, NetworkInfo } from "#network/controller.ts";
import {
  defaultEndpoint,
  type EndpointConfig,
  type EndpointConfigs,
  type HostConfig,
} from "#spec/container-config.ts";
import { containerOf } from "./namespace-modes.ts";
import { isUserDefined } from "./network-names.ts";

type Lookup = Pick<NetworkController, "find">;

const IFNAME = "com.docker.network.endpoint.ifname";
const SYSCTLS = "com.docker.network.endpoint.sysctls";

/** As Go joins errors. */
const joined = (errors: readonly string[]): string =>
  errors.length === 1
    ? errors.join("")
    : errors.map((error) => `* ${error.replaceAll("\n", "\n\t")}`).join("\n");

/** Throws for what no network of this engine can give. A network that is not there yet is asked for again at the start. */
export function validateEndpoints(
  networks: Lookup,
  { NetworkMode: mode }: Pick<HostConfig, "NetworkMode">,
  endpoints: EndpointConfigs,
): void {
  const own = endpoints[mode];
  if ((own?.Aliases ?? []).length > 0 && !isUserDefined(mode))
    throw invalid("network-scoped alias is supported only for containers in user defined networks");
  const errors = Object.entries(endpoints).flatMap(([name, endpoint]) => {
    const cause = findMistake(endpoint, endpointErrors(networks.find(name), endpoint));
    return cause === undefined ? [] : [`invalid config for network ${name}: ${cause}`];
  });
  if (errors.length > 0) throw invalid(joined(errors));
}

/** Throws for an endpoint that this network cannot give. */
export function validateEndpoint(network: NetworkInfo, endpoint: EndpointConfig): void {
  const errors = [...predefinedErrors(network.name, endpoint), ...endpointErrors(network, endpoint)];
  const cause = findMistake(endpoint, errors);
  if (cause !== undefined) throw invalid(cause);
}

/** As Docker: a wrong MAC address is told alone. */
function findMistake({ MacAddress: mac }: EndpointConfig, errors: readonly string[]): string | undefined {
  if (mac !== "" && findMac(mac) === undefined) return `invalid MAC address ${mac}`;
  return errors.length === 0 ? undefined : `invalid endpoint settings:\n${joined(errors)}`;
}

function predefinedErrors(
  name: string,
  { IPAMConfig: ipam, Aliases: aliases }: EndpointConfig,
): readonly string[] {
  if (isUserDefined(name)) return [];
  return [
    ...(ipam?.IPv4Address || ipam?.IPv6Address
      ? ["user-specified IP address is supported on user-defined networks only"]
      : []),
    ...((aliases ?? []).length > 0
      ? ["network-scoped aliases are only supported for user-defined networks"]
      : []),
  ];
}

function endpointErrors(
  network: NetworkInfo | undefined,
  { IPAMConfig: ipam, DriverOpts }: EndpointConfig,
): readonly string[] {
  const ipv4 = ipam?.IPv4Address ?? "";
  const ipv6 = ipam?.IPv6Address ?? "";
  return [
    ...(ipv4 !== "" && (!isIPv4(ipv4) || ipv4 === "0.0.0.0") ? [`invalid IPv4 address: ${ipv4}`] : []),
    ...(ipv6 !== "" && (!isIPv6(ipv6) || ipv6.includes("%") || ipv6 === "::")
      ? [`invalid IPv6 address: ${ipv6}`]
      : []),
    ...(ipam?.LinkLocalIPs ?? [])
      .filter((text) => findAddress(text) === undefined)
      .map((text) => `invalid link-local IP address: ${text}`),
    ...[ipv4, ipv6].flatMap((address) => rangeErrors(network, address)),
    ...sysctlErrors(DriverOpts?.[SYSCTLS]),
    ...ifnameErrors(DriverOpts?.[IFNAME]),
  ];
}

function rangeErrors(network: NetworkInfo | undefined, text: string): readonly string[] {
  const address = findAddress(text);
  if (network === undefined || address === undefined || !isUserDefined(network.name)) return [];
  return network.pools.some(({ subnet = "" }) => holds(parsePrefix(subnet), address))
    ? []
    : [`no configured subnet contains IP address ${text}`];
}

/** Its name becomes a path below /proc/sys: it has no slash, so that it leads nowhere else. */
const SYSCTL = /^net\.(?:ipv4|ipv6|mpls)\.\w+\.(?:IFNAME|ifname)(?:\.\w+)+=/;

const sysctlErrors = (text: string | undefined): readonly string[] =>
  (text?.split(",") ?? [])
    .filter((sysctl) => !SYSCTL.test(sysctl))
    .map(
      (sysctl) =>
        `unrecognised network interface sysctl '${sysctl}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    );

/** The kernel's rule for names of interfaces. */
const ifnameErrors = (name: string | undefined): readonly string[] =>
  name === undefined || (/^[^\s/:%]{1,15}$/.test(name) && name !== "." && name !== ".." && name !== "lo")
    ? []
    : [`invalid interface name: ${name}`];

/** By the names of the networks that there are; the network of the container's mode if no other is asked for. */
export function initialNetworks(
  networks: Lookup,
  { NetworkMode: mode, Links: links }: Pick<HostConfig, "NetworkMode" | "Links">,
  endpoints: EndpointConfigs,
): EndpointConfigs {
  if (containerOf(mode) !== undefined) return {};
  // docker-compose 1.29 gives them with the host's settings only, and counts on it that the network has them.
  const own = isUserDefined(mode) ? links : null;
  const nameOf = (reference: string): string =>
    isUserDefined(reference)
      ? (networks.find(reference)?.name ?? reference)
      : reference === "default"
        ? "bridge"
        : reference;
  if (Object.keys(endpoints).length === 0) return { [nameOf(mode)]: { ...defaultEndpoint, Links: own } };
  return Object.fromEntries(
    Object.entries(endpoints).map(([name, endpoint]) => [
      nameOf(name),
      name === mode && endpoint.Links === null ? { ...endpoint, Links: own } : endpoint,
    ]),
  );
}
