// The nftables rules of one engine: one table, changed in atomic batches.
//
//   raw          nothing from outside reaches 127.0.0.0/8 of the host, although route_localnet is on for the bridge
//   prerouting   packets to a published port of a local address go to the container …
//   output       … also those of the host's own processes
//   postrouting  what leaves the subnet, and what must find its way back through the host, gets the host's address
//   forward      into the bridge: answers, neighbours, published ports; nothing else
//   user         is the administrator's: jumped to first, never touched, kept over restarts
//
// Published ports are elements of two maps, so that a port is one element and not a rule.

import { findIpv4, ipv4Bytes, parseCidr, parseIpv4 } from "#formats/ipv4.ts";
import {
  addressWithin,
  CT_STATE_ESTABLISHED,
  CT_STATE_RELATED,
  CT_STATUS_DNAT,
  conntrackHas,
  DESTINATION_ADDRESS,
  DESTINATION_PORT,
  destinationIsLocal,
  dnat,
  interfaceIs,
  jump,
  loadMeta,
  loadPayload,
  lookup,
  masquerade,
  SOURCE_ADDRESS,
  verdict,
  WORD_1,
  WORD_2,
} from "#formats/nftables/expressions.ts";
import {
  addBaseChain,
  addChain,
  addElements,
  addMap,
  addRule,
  addTable,
  type BaseChain,
  concatenate,
  deleteElements,
  flushChain,
  flushMap,
  type MapElement,
  type NftablesMessage,
} from "#formats/nftables/messages.ts";
import type { BoundPort } from "./controller.ts";
import type { FirewallNetwork } from "./network-rules.ts";
import { isIpv6 } from "./network-spec.ts";

/** Keyed by address, protocol, port; and, for ports published on every address, by protocol, port. */
const AT_ADDRESS = "published-at";
const AT_ANY = "published";
const LOOPBACK = { address: 0x7f000000, prefixLength: 8 };

const chains: Readonly<Record<string, BaseChain>> = {
  raw: { type: "filter", hook: "prerouting", priority: -300 },
  prerouting: { type: "nat", hook: "prerouting", priority: -100 },
  output: { type: "nat", hook: "output", priority: -100 },
  postrouting: { type: "nat", hook: "postrouting", priority: 100 },
  forward: { type: "filter", hook: "forward", priority: 0 },
};

export interface RuleScope {
  readonly table: string;
  readonly networks: readonly FirewallNetwork[];
}

export interface Publication {
  readonly port: BoundPort;
  readonly containerAddress: string;
  readonly networkId: string;
}

type Expressions = readonly Uint8Array[];

function publishedRules(): readonly Expressions[] {
  const atAddress = [
    loadPayload(DESTINATION_ADDRESS),
    loadMeta("l4proto", WORD_1),
    loadPayload(DESTINATION_PORT, WORD_2),
  ];
  const atAny = [loadMeta("l4proto"), loadPayload(DESTINATION_PORT, WORD_1)];
  return [
    [...destinationIsLocal(), ...atAddress, lookup(AT_ADDRESS), dnat()],
    [...destinationIsLocal(), ...atAny, lookup(AT_ANY), dnat()],
  ];
}

/** The rules of each chain, in order. */
function rulesOf({ networks }: RuleScope): Readonly<Record<keyof typeof chains, readonly Expressions[]>> {
  const toLoopback = addressWithin(DESTINATION_ADDRESS, LOOPBACK.address, LOOPBACK.prefixLength);
  return {
    raw: [[...interfaceIs("iifname", "!=", "lo"), ...toLoopback, verdict("drop")]],
    prerouting: publishedRules(),
    output: publishedRules(),
    postrouting: networks.filter(({ internal }) => !internal).flatMap(translationOf),
    forward: [
      [jump("user")],
      ...networks.filter(({ internal }) => internal).flatMap(closureOf),
      ...networks.filter(({ internal }) => !internal).flatMap(admissionOf),
    ],
  };
}

function translationOf({ bridge, subnets, masquerade: hides }: FirewallNetwork): readonly Expressions[] {
  const toBridge = interfaceIs("oifname", "==", bridge);
  const fromLoopback = addressWithin(SOURCE_ADDRESS, LOOPBACK.address, LOOPBACK.prefixLength);
  const published = conntrackHas("status", CT_STATUS_DNAT);
  const ours = subnets
    .filter((subnet) => !isIpv6(subnet))
    .map((subnet) => {
      const { address, prefixLength } = parseCidr(subnet);
      return addressWithin(SOURCE_ADDRESS, address, prefixLength);
    });
  return [
    ...(hides ? ours.map((from) => [...from, ...interfaceIs("oifname", "!=", bridge), masquerade()]) : []),
    // A neighbour (or the container itself) came through a published port: the answer must come back through the host.
    ...ours.map((from) => [...toBridge, ...from, ...published, masquerade()]),
    [...toBridge, ...fromLoopback, masquerade()],
  ];
}

/** Nothing leaves an internal network, and nothing gets in. */
const closureOf = ({ bridge, icc }: FirewallNetwork): readonly Expressions[] => [
  ...(icc
    ? [[...interfaceIs("oifname", "==", bridge), ...interfaceIs("iifname", "==", bridge), verdict("accept")]]
    : []),
  [...interfaceIs("iifname", "==", bridge), verdict("drop")],
  [...interfaceIs("oifname", "==", bridge), verdict("drop")],
];

function admissionOf({ bridge, icc }: FirewallNetwork): readonly Expressions[] {
  const toBridge = interfaceIs("oifname", "==", bridge);
  const published = conntrackHas("status", CT_STATUS_DNAT);
  const answers = conntrackHas("state", CT_STATE_ESTABLISHED | CT_STATE_RELATED);
  return [
    [...toBridge, ...answers, verdict("accept")],
    ...(icc ? [[...toBridge, ...interfaceIs("iifname", "==", bridge), verdict("accept")]] : []),
    [...toBridge, ...published, verdict("accept")],
    [...toBridge, verdict("drop")],
  ];
}

export const countRules = (scope: RuleScope): number =>
  Object.values(rulesOf(scope)).reduce((count, rules) => count + rules.length, 0);

/** Makes the table what it should be, whatever is left of it; the chain `user` keeps its rules. */
export function planTable(
  scope: RuleScope,
  publications: readonly Publication[],
): readonly NftablesMessage[] {
  const { table } = scope;
  const rules = Object.entries(rulesOf(scope));
  return [
    addTable(table),
    addChain(table, "user"),
    ...Object.entries(chains).map(([name, base]) => addBaseChain(table, name, base)),
    addMap(table, AT_ADDRESS, 1, {
      key: ["ipv4_addr", "inet_proto", "inet_service"],
      value: ["ipv4_addr", "inet_service"],
    }),
    addMap(table, AT_ANY, 2, {
      key: ["inet_proto", "inet_service"],
      value: ["ipv4_addr", "inet_service"],
    }),
    ...rules.map(([chain]) => flushChain(table, chain)),
    flushMap(table, AT_ADDRESS),
    flushMap(table, AT_ANY),
    ...rules.flatMap(([chain, list]) => list.map((rule) => addRule(table, chain, rule))),
    ...planPublish(table, publications),
  ];
}

const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;

const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff);

/** Only IPv4: nothing is translated between the families. */
function elementsOf(publications: readonly Publication[], map: string): readonly MapElement[] {
  return publications
    .filter(({ port }) => findIpv4(port.hostIp) !== undefined)
    .filter(({ port }) => (port.hostIp === "0.0.0.0") === (map === AT_ANY))
    .map(({ port, containerAddress }) => {
      const service = [Uint8Array.of(protocols[port.proto]), portBytes(port.hostPort)];
      const address = map === AT_ANY ? [] : [ipv4Bytes(parseIpv4(port.hostIp))];
      return {
        key: concatenate(...address, ...service),
        value: concatenate(ipv4Bytes(parseIpv4(containerAddress)), portBytes(port.containerPort)),
      };
    });
}

/** Empty when no IPv4 port is among them. */
export const planPublish = (
  table: string,
  publications: readonly Publication[],
): readonly NftablesMessage[] =>
  [AT_ADDRESS, AT_ANY].flatMap((map) => {
    const entries = elementsOf(publications, map);
    return entries.length === 0 ? [] : [addElements(table, map, entries)];
  });

export const planUnpublish = (
  table: string,
  publications: readonly Publication[],
): readonly NftablesMessage[] =>
  [AT_ADDRESS, AT_ANY].flatMap((map) => {
    const entries = elementsOf(publications, map).map(({ key }) => ({ key }));
    return entries.length === 0 ? [] : [deleteElements(table, map, entries)];
  });
