// A bridge network as the rules see it, and the elements that stand for it in the sets.

import { addressBytes, findPrefix, lastOf, type Prefix, parseAddress, subnetOf } from "#formats/ip-prefix.ts";
import { interfaceBytes } from "#formats/nftables/expressions.ts";
import { concatenate, type Element } from "#formats/nftables/sets.ts";
import type { Verdict } from "#formats/nftables/verdicts.ts";
import type { Family } from "./families.ts";

/** How packets from outside reach its containers. nat: by published ports of the host. nat-unprotected: also directly, all ports.
 *  routed: directly, the published ports. isolated: not at all, and the host has no address on it. */
export type GatewayMode = "nat" | "nat-unprotected" | "routed" | "isolated";

export interface FirewallNetwork {
  readonly id: string;
  /** Its interface on the host. */
  readonly bridge: string;
  readonly subnets: readonly string[];
  readonly internal: boolean;
  /** Its containers may talk to each other. */
  readonly icc: boolean;
  readonly masquerade: boolean;
  readonly gatewayMode: { readonly ipv4: GatewayMode; readonly ipv6: GatewayMode };
  /** The source address of what leaves it. */
  readonly hostAddress: { readonly ipv4?: string; readonly ipv6?: string };
  /** Interfaces from which published ports are reached by the addresses of containers. */
  readonly trustedInterfaces: readonly string[];
  /** They are so from everywhere. */
  readonly direct: boolean;
}

/** Sets of networks: their names and elements. */
export type NetworkElements = Readonly<
  Record<
    "into" | "out-of" | "bridges" | "within" | "home" | "trusted" | "guarded" | "masqueraded" | "source",
    readonly Element[]
  >
>;

const modeOf = ({ gatewayMode }: FirewallNetwork, { version }: Family): GatewayMode =>
  version === 4 ? gatewayMode.ipv4 : gatewayMode.ipv6;

const subnetsOf = ({ subnets }: FirewallNetwork, { version }: Family): readonly Prefix[] =>
  subnets
    .map((text) => findPrefix(text))
    .filter((prefix) => prefix?.family === version)
    .flatMap((prefix) => (prefix === undefined ? [] : [subnetOf(prefix)]));

const firstOf = (subnet: Prefix): Uint8Array => addressBytes(subnet);
const endOf = (subnet: Prefix): Uint8Array => addressBytes({ ...subnet, value: lastOf(subnet) });

const range = (subnet: Prefix): Element => ({ key: firstOf(subnet), last: endOf(subnet) });

const rangeAt = (name: string, subnet: Prefix): Element => ({
  key: concatenate(interfaceBytes(name), firstOf(subnet)),
  last: concatenate(interfaceBytes(name), endOf(subnet)),
});

function intoVerdict(network: FirewallNetwork, family: Family): Verdict {
  if (network.internal) return { goTo: "internal" };
  switch (modeOf(network, family)) {
    case "routed":
      return { goTo: "into-routed" };
    case "nat-unprotected":
      return "accept";
    default:
      return { goTo: "into-nat" };
  }
}

/** A network without a subnet of the family: nothing of that family is forwarded. */
const closed = (bridge: Uint8Array): NetworkElements => ({
  ...none,
  into: [{ key: bridge, value: "drop" }],
  "out-of": [{ key: bridge, value: "drop" }],
  bridges: [{ key: bridge }],
});

const none: NetworkElements = {
  into: [],
  "out-of": [],
  bridges: [],
  within: [],
  home: [],
  trusted: [],
  guarded: [],
  masqueraded: [],
  source: [],
};

/** What leaves the subnets gets an address of the host: one that was asked for, or the one that the route has. */
function translated(
  network: FirewallNetwork,
  family: Family,
  subnets: readonly Prefix[],
): Pick<NetworkElements, "masqueraded" | "source"> {
  const mode = modeOf(network, family);
  if (network.internal || !network.masquerade || mode === "routed") return { masqueraded: [], source: [] };
  const address = family.version === 4 ? network.hostAddress.ipv4 : network.hostAddress.ipv6;
  if (address === undefined) return { masqueraded: subnets.map(range), source: [] };
  const value = addressBytes(parseAddress(address));
  return { masqueraded: [], source: subnets.map((subnet) => ({ ...range(subnet), value })) };
}

export function elementsOf(network: FirewallNetwork, family: Family): NetworkElements {
  const bridge = interfaceBytes(network.bridge);
  const subnets = subnetsOf(network, family);
  if (subnets.length === 0) return closed(bridge);
  const isGuarded = network.internal || (modeOf(network, family) === "nat" && !network.direct);
  return {
    into: [{ key: bridge, value: intoVerdict(network, family) }],
    "out-of": network.internal ? [{ key: bridge, value: { goTo: "internal" } }] : [],
    bridges: [{ key: bridge }],
    within: network.icc ? [{ key: concatenate(bridge, bridge) }] : [],
    home: subnets.map((subnet) => rangeAt(network.bridge, subnet)),
    trusted: network.trustedInterfaces.flatMap((name) => subnets.map((subnet) => rangeAt(name, subnet))),
    guarded: isGuarded ? subnets.map(range) : [],
    ...translated(network, family, subnets),
  };
}

/** Its published ports are also reached by the containers' own addresses. */
export const opensPorts = (network: FirewallNetwork, family: Family): boolean =>
  modeOf(network, family) === "routed" || network.trustedInterfaces.length > 0 || network.direct;

/** Packets to published ports of the host are sent on to its containers. */
export const translatesPorts = (network: FirewallNetwork, family: Family): boolean =>
  !network.internal && modeOf(network, family) !== "routed";
