// What the host's network looks like before the bridge is made, and which subnet the bridge gets.

import { systemError } from "#base/errors.ts";
import { overlaps, parseCidr, type Subnet, subnetOf } from "#formats/ipv4.ts";
import { decodeMessages, NETLINK_ROUTE, type NetlinkMessage } from "#formats/netlink/message.ts";
import { decodeAddress, dumpAddresses, type InterfaceAddress } from "#formats/rtnetlink/addresses.ts";
import { decodeLink, dumpLinks, type Link } from "#formats/rtnetlink/links.ts";
import { decodeRoute, dumpRoutes, type Route } from "#formats/rtnetlink/routes.ts";
import type { PlanResult } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";

export interface Survey {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
}

const CLONE_NEWNET = 0x40000000;

export const surveyPlan: Plan = [
  { op: "netlink", why: "list interfaces", protocol: NETLINK_ROUTE, messages: [dumpLinks()] },
  { op: "netlink", why: "list addresses", protocol: NETLINK_ROUTE, messages: [dumpAddresses()] },
  { op: "netlink", why: "list routes", protocol: NETLINK_ROUTE, messages: [dumpRoutes()] },
];

/** A new namespace may hold fallback tunnels of loaded modules: the container's interface must not take their number. */
export const freshNamespacePlan: Plan = [
  { op: "unshare", why: "fresh network namespace", flags: CLONE_NEWNET },
  { op: "netlink", why: "list its interfaces", protocol: NETLINK_ROUTE, messages: [dumpLinks()] },
];

/** The replies of all netlink operations of a plan. */
const repliesOf = (result: PlanResult): readonly NetlinkMessage[] =>
  [...result.values()].flat().flatMap((bytes) => decodeMessages(bytes));

const collect = <T>(
  messages: readonly NetlinkMessage[],
  decode: (message: NetlinkMessage) => T | undefined,
): readonly T[] => messages.map(decode).filter((value) => value !== undefined);

export function readSurvey(result: PlanResult): Survey {
  const messages = repliesOf(result);
  return {
    links: collect(messages, decodeLink),
    addresses: collect(messages, decodeAddress),
    routes: collect(messages, decodeRoute),
  };
}

export interface BridgeAddress {
  readonly address: number;
  readonly prefixLength: number;
  /** Chosen by us, not by the configuration or an address that the bridge has. */
  readonly automatic: boolean;
}

/** Docker's default pools, in its order. */
const pools: readonly { readonly base: string; readonly prefixLength: number }[] = [
  { base: "172.17.0.0/16", prefixLength: 16 },
  { base: "172.18.0.0/16", prefixLength: 16 },
  { base: "172.19.0.0/16", prefixLength: 16 },
  { base: "172.20.0.0/14", prefixLength: 16 },
  { base: "172.24.0.0/14", prefixLength: 16 },
  { base: "172.28.0.0/14", prefixLength: 16 },
  { base: "192.168.0.0/16", prefixLength: 20 },
];

function* poolSubnets(): Generator<Subnet> {
  for (const pool of pools) {
    const { address, prefixLength } = parseCidr(pool.base);
    const step = 2 ** (32 - pool.prefixLength);
    for (let offset = 0; offset < 2 ** (32 - prefixLength); offset += step)
      yield { address: address + offset, prefixLength: pool.prefixLength };
  }
}

/** Configured, else what the bridge has already, else the first default pool that no route of the host meets. */
export function chooseBridgeAddress(survey: Survey, bridge: string, bip: string | undefined): BridgeAddress {
  if (bip !== undefined) return { ...parseCidr(bip), automatic: false };
  const link = survey.links.find(({ name }) => name === bridge);
  const present = survey.addresses.find(
    ({ linkIndex, address }) => linkIndex === link?.index && address.family === 4,
  )?.address;
  if (present !== undefined)
    return { address: Number(present.value), prefixLength: present.length, automatic: false };
  const used = [
    ...survey.routes.map(({ destination }) => destination).filter(({ length }) => length > 0),
    ...survey.addresses.map(({ address }) => address),
  ]
    .filter(({ family }) => family === 4)
    .map(({ value, length }) => subnetOf(Number(value), length));
  for (const subnet of poolSubnets())
    if (!used.some((other) => overlaps(subnet, other)))
      return { address: subnet.address + 1, prefixLength: subnet.prefixLength, automatic: true };
  throw systemError(
    "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
  );
}
