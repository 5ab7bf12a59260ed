// What the host's network looks like.

import { NETLINK_ROUTE, type NetlinkMessage } from "#formats/netlink/message.ts";
import { decodeAddress, dumpAddresses, type InterfaceAddress } from "#formats/rtnetlink/addresses.ts";
import { decodeLink, dumpLinks, type Link } from "#formats/rtnetlink/links.ts";
import { decodeRoute, dumpRoutes, type Route } from "#formats/rtnetlink/routes.ts";
import type { PlanResult } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Plan } from "#kernel/plan/ops.ts";

export interface Survey {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
}

const CLONE_NEWNET = 0x40000000;

export const routesPlan: Plan = [
  { op: "netlink", why: "list routes", protocol: NETLINK_ROUTE, messages: [dumpRoutes()] },
];

export const surveyPlan: Plan = [
  { op: "netlink", why: "list interfaces", protocol: NETLINK_ROUTE, messages: [dumpLinks()] },
  { op: "netlink", why: "list addresses", protocol: NETLINK_ROUTE, messages: [dumpAddresses()] },
  ...routesPlan,
];

/** A new namespace may hold fallback tunnels of loaded modules: the container's interface must not take their number. */
export const freshNamespacePlan: Plan = [
  { op: "unshare", why: "fresh network namespace", flags: CLONE_NEWNET },
  { op: "netlink", why: "list its interfaces", protocol: NETLINK_ROUTE, messages: [dumpLinks()] },
];

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
