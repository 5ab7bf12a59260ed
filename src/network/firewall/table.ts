// The nftables rules of one engine, the same in a table of each family. They are constant: networks and ports are elements of sets and maps.
// docs/networking.md shows them as nft prints them, and the way of a packet through them.
//
//   raw          nothing from outside reaches 127.0.0.0/8 of the host (route_localnet is on for the bridges), or addresses of networks
//   prerouting   packets to a published port of a local address go to the container …
//   output       … also those of the host's own processes
//   postrouting  what leaves a network, and what must find its way back through the host, gets an address of the host
//   forward      answers; into a network: neighbours, published ports; nothing else. Between interfaces of a host that was no router: nothing
//   user         is the administrator's: jumped to first, never touched, kept over restarts

import {
  addressWithin,
  CT_STATE_ESTABLISHED,
  CT_STATE_RELATED,
  CT_STATUS_DNAT,
  conntrackHas,
  DESTINATION_PORT,
  destinationIsLocal,
  dnat,
  inSet,
  interfaceIs,
  lookUp,
  masquerade,
  obeyMap,
  protocolIs,
  snat,
  verdict,
} from "#formats/nftables/expressions.ts";
import type { BaseChain } from "#formats/nftables/messages.ts";
import type { SetShape } from "#formats/nftables/sets.ts";
import type { Family } from "./families.ts";
import type { NetworkElements } from "./firewall-network.ts";
import type { PortElements } from "./published.ts";

export type SetName = keyof NetworkElements | keyof PortElements | "open" | "reserved" | "apart";

export const baseChains = {
  raw: { type: "filter", hook: "prerouting", priority: -300 },
  prerouting: { type: "nat", hook: "prerouting", priority: -100 },
  output: { type: "nat", hook: "output", priority: -100 },
  postrouting: { type: "nat", hook: "postrouting", priority: 100 },
  forward: { type: "filter", hook: "forward", priority: 0 },
  input: { type: "filter", hook: "input", priority: 0 },
} as const satisfies Record<string, BaseChain>;

/** A chain that only other chains jump to. */
export const USER_CHAIN = "user";

/** In the order of their definition: those that are looked at are there. */
export function setShapes({ addressType: address }: Family): Readonly<Record<SetName, SetShape>> {
  return {
    into: { key: ["ifname"], value: "verdict" },
    "out-of": { key: ["ifname"], value: "verdict" },
    bridges: { key: ["ifname"] },
    within: { key: ["ifname", "ifname"] },
    apart: { key: ["ifname"] },
    home: { key: ["ifname", address], interval: true },
    trusted: { key: ["ifname", address], interval: true },
    guarded: { key: [address], interval: true },
    masqueraded: { key: [address], interval: true },
    source: { key: [address], value: [address], interval: true },
    open: { key: [address, "inet_proto", "inet_service"], interval: true },
    reserved: { key: ["inet_proto", "inet_service"] },
    "published-at": { key: [address, "inet_proto", "inet_service"], value: [address, "inet_service"] },
    published: { key: ["inet_proto", "inet_service"], value: [address, "inet_service"] },
    ranges: { key: [address, "inet_proto", "inet_service"], value: [address], interval: true },
    "shifted-ranges": {
      key: [address, "inet_proto", "inet_service"],
      value: [address, "inet_service", "inet_service"],
      interval: true,
    },
  };
}

type Rule = readonly Uint8Array[];

const established: Rule = [
  ...conntrackHas("state", CT_STATE_ESTABLISHED | CT_STATE_RELATED),
  verdict("accept"),
];
const neighbours: Rule = [...inSet(["iifname", "oifname"], "within"), verdict("accept")];
const isTranslated: Rule = conntrackHas("status", CT_STATUS_DNAT);
const FE80 = Uint8Array.of(0xfe, 0x80, ...new Uint8Array(14));

/** Where a published port leads. */
function portRules(family: Family): readonly Rule[] {
  const { destination, source, loopback } = family;
  const service = ["l4proto", DESTINATION_PORT] as const;
  // Answers to link-local addresses and to ::1 would not find back: those the socket takes that holds the port.
  const untranslated =
    family.version === 4
      ? []
      : [
          [...addressWithin(source, FE80, 10), verdict("return")],
          [...addressWithin(destination, loopback.address, loopback.prefixLength), verdict("return")],
        ];
  return [
    ...untranslated,
    [...lookUp([destination, ...service], "published-at"), dnat(family, "given")],
    [...lookUp(service, "published"), dnat(family, "given")],
    [...lookUp([destination, ...service], "ranges"), dnat(family, "kept")],
    [...lookUp([destination, ...service], "shifted-ranges"), dnat(family, "shifted")],
  ];
}

const fromOutside: Rule = interfaceIs("iifname", "!=", "lo");

function rawRules({ destination, loopback, version }: Family): readonly Rule[] {
  const toLoopback = addressWithin(destination, loopback.address, loopback.prefixLength);
  const toNetworks = [...inSet([destination], "guarded"), verdict({ goTo: "guard" })];
  // The kernel itself drops packets to ::1 that come from outside.
  return version === 4 ? [[...fromOutside, ...toLoopback, verdict("drop")], toNetworks] : [toNetworks];
}

/** Neighbours first: with br_netfilter every packet between them comes here. */
const guardRules = ({ source, destination }: Family): readonly Rule[] => [
  [...inSet(["iifname", destination], "home"), verdict("accept")],
  // Gateways are addresses of the host, and containers of other networks reach it there ("host-gateway").
  [...inSet(["iifname", source], "home"), ...destinationIsLocal(), verdict("accept")],
  [...fromOutside, ...inSet(["iifname", destination], "trusted", "not in"), verdict("drop")],
];

function postroutingRules(family: Family): readonly Rule[] {
  const { source, loopback } = family;
  return [
    [...inSet(["oifname", source], "home"), verdict({ goTo: "neighbours" })],
    [...lookUp([source], "source"), snat(family)],
    [...inSet([source], "masqueraded"), masquerade()],
    // The host's own connection to a published port of its loopback.
    [
      ...interfaceIs("oifname", "!=", "lo"),
      ...addressWithin(source, loopback.address, loopback.prefixLength),
      ...isTranslated,
      masquerade(),
    ],
  ];
}

/** The rules of each chain, in order. */
export function rulesOf(family: Family): ReadonlyMap<string, readonly Rule[]> {
  const { destination } = family;
  const toPorts: Rule = [...destinationIsLocal(), verdict({ jump: "ports" })];
  const opened = inSet([destination, "l4proto", DESTINATION_PORT], "open");
  return new Map<string, readonly Rule[]>([
    ["ports", portRules(family)],
    // A neighbour (or the container itself) came through a published port: the answer must come back through the host.
    ["neighbours", [[...isTranslated, masquerade()]]],
    ["internal", [neighbours, [verdict("drop")]]],
    [
      "into-nat",
      [
        neighbours,
        [...isTranslated, verdict("accept")],
        [...opened, verdict("accept")], // who may not come this way was dropped in raw
        [verdict("drop")],
      ],
    ],
    [
      "into-routed",
      [
        neighbours,
        [...protocolIs(family.icmp), verdict("accept")],
        [...opened, verdict("accept")],
        [verdict("drop")],
      ],
    ],
    ["guard", guardRules(family)],
    ["raw", rawRules(family)],
    ["prerouting", [toPorts]],
    ["output", [toPorts]],
    ["postrouting", postroutingRules(family)],
    [
      "forward",
      [
        [verdict({ jump: USER_CHAIN })],
        established,
        obeyMap(["iifname"], "out-of"),
        obeyMap(["oifname"], "into"),
        [...inSet(["iifname"], "apart"), ...inSet(["oifname"], "apart"), verdict("drop")],
      ],
    ],
    // What the engine itself listens on is for other engines.
    [
      "input",
      [
        [
          ...inSet(["iifname"], "bridges"),
          ...inSet(["l4proto", DESTINATION_PORT], "reserved"),
          verdict("drop"),
        ],
      ],
    ],
  ]);
}

export const countRules = (family: Family): number =>
  [...rulesOf(family).values()].reduce((count, rules) => count + rules.length, 0);
