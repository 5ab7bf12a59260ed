// What must be in the sets of the tables: all elements that stand for networks and published ports.

import { interfaceBytes } from "#formats/nftables/expressions.ts";
import { concatenate, type Element } from "#formats/nftables/sets.ts";
import type { Family } from "./families.ts";
import { elementsOf, type FirewallNetwork, opensPorts, translatesPorts } from "./firewall-network.ts";
import { openElements, openRanges } from "./open-ports.ts";
import { type Publication, portBytes, protocols, publishedElements } from "./published.ts";
import type { SetName } from "./table.ts";

/** Elements by set. Sets that none is for are left out. */
export type Contents = ReadonlyMap<SetName, readonly Element[]>;

export interface Scope {
  readonly networks: ReadonlyMap<string, FirewallNetwork>;
  /** Packets to published ports are left to the host's own rules, and to the sockets that hold the ports. */
  readonly respectsHost: boolean;
  /** UDP ports of the engine's own. */
  readonly reserved: readonly number[];
  /** Names of interfaces between which nothing is forwarded. */
  readonly apart: { readonly 4: readonly string[]; readonly 6: readonly string[] };
}

function gather(parts: readonly Readonly<Partial<Record<SetName, readonly Element[]>>>[]): Contents {
  const all = new Map<SetName, Element[]>();
  for (const name of setNames) {
    const elements = parts.flatMap((part) => part[name] ?? []);
    if (elements.length > 0) all.set(name, elements);
  }
  return all;
}

const setNames = [
  ...([
    "into",
    "out-of",
    "bridges",
    "within",
    "home",
    "trusted",
    "guarded",
    "masqueraded",
    "source",
  ] as const),
  ...(["apart", "open", "reserved", "published-at", "published", "ranges", "shifted-ranges"] as const),
];

export const networkContents = (family: Family, networks: readonly FirewallNetwork[]): Contents =>
  gather(networks.map((network) => elementsOf(network, family)));

/** Ports of networks that are not known, or that publish none, are left out. */
export const portContents = (
  family: Family,
  { networks, respectsHost }: Scope,
  publications: readonly Publication[],
): Contents =>
  gather(
    publications
      .filter(({ networkId }) => {
        const network = networks.get(networkId);
        return !respectsHost && network !== undefined && translatesPorts(network, family);
      })
      .map((publication) => publishedElements(family, publication)),
  );

/** Those of them that open ports of containers' own addresses. */
export const opening = (
  family: Family,
  { networks }: Scope,
  publications: readonly Publication[],
): readonly Publication[] =>
  publications.filter(({ networkId }) => {
    const network = networks.get(networkId);
    return network !== undefined && opensPorts(network, family);
  });

const reservedElement = (port: number): Element => ({
  key: concatenate(Uint8Array.of(protocols.udp), portBytes(port)),
});

/** All that must be in the sets of a family's table. */
export function allContents(family: Family, scope: Scope, publications: readonly Publication[]): Contents {
  const open = openElements(family, openRanges(opening(family, scope, publications)));
  const bridges = new Set([...scope.networks.values()].map(({ bridge }) => bridge));
  const apart = scope.apart[family.version]
    .filter((name) => !bridges.has(name))
    .map((name) => ({ key: interfaceBytes(name) }));
  return new Map([
    ...networkContents(family, [...scope.networks.values()]),
    ...portContents(family, scope, publications),
    ...gather([{ open, apart, reserved: [...new Set(scope.reserved)].map(reservedElement) }]),
  ]);
}
