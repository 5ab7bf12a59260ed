// RTM_*ROUTE messages.

import {
  addressBytes,
  bitsOf,
  type Family,
  type Prefix,
  parseAddress,
  parsePrefix,
  readAddress,
} from "../ip-prefix.ts";
import { attribute, decodeAttributes, readUint32, u32 } from "../netlink/attributes.ts";
import {
  encodeCreation,
  encodeDump,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_REPLACE,
} from "../netlink/message.ts";
import { ADDRESS_FAMILY, familyOf } from "./families.ts";

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const RT_SCOPE_LINK = 253;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_VIA = 18;

export interface RouteSettings {
  readonly linkIndex: number;
  /** "10.1.0.0/16"; "0.0.0.0/0" and "::/0" are the default routes. */
  readonly destination: string;
  /** Without it, what is there is on the link itself. */
  readonly gateway?: string;
  /** Address that this machine has for those it calls there. */
  readonly source?: string;
}

export interface Route {
  readonly destination: Prefix;
  readonly linkIndex: number;
  /** What is there is on the link itself, behind no gateway. */
  readonly onLink: boolean;
}

const defaultOf = (family: Family): string => (family === 4 ? "0.0.0.0/0" : "::/0");

/** struct rtmsg */
const head = (family: Family, prefixLength: number, scope: number): Uint8Array =>
  Uint8Array.of(
    ADDRESS_FAMILY[family],
    prefixLength,
    0,
    0,
    RT_TABLE_MAIN,
    RTPROT_BOOT,
    scope,
    RTN_UNICAST,
    0,
    0,
    0,
    0,
  );

function routeBody({ linkIndex, destination, gateway, source }: RouteSettings): Uint8Array {
  const to = parsePrefix(destination);
  const scope = to.family === 4 && gateway === undefined ? RT_SCOPE_LINK : 0;
  const address = (type: number, text: string): Uint8Array =>
    attribute(type, addressBytes(parseAddress(text)));
  return Buffer.concat([
    head(to.family, to.length, scope),
    ...(to.length === 0 ? [] : [attribute(RTA_DST, addressBytes(to))]),
    ...(gateway === undefined ? [] : [address(RTA_GATEWAY, gateway)]),
    ...(source === undefined ? [] : [address(RTA_PREFSRC, source)]),
    u32(RTA_OIF, linkIndex),
  ]);
}

export const addRoute = (route: RouteSettings): Uint8Array => encodeCreation(RTM_NEWROUTE, routeBody(route));

/** The default route of the gateway's family. */
export const addDefaultRoute = (gateway: string, linkIndex: number): Uint8Array =>
  addRoute({ linkIndex, destination: defaultOf(parseAddress(gateway).family), gateway });

/** In the place of the default route that there may be; a gateway of "" is the link itself. */
export const setDefaultRoute = (route: {
  readonly linkIndex: number;
  readonly gateway: string;
  readonly family: Family;
}): Uint8Array =>
  encodeMessage({
    type: RTM_NEWROUTE,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
    body: routeBody({
      linkIndex: route.linkIndex,
      destination: defaultOf(route.family),
      ...(route.gateway !== "" && { gateway: route.gateway }),
    }),
  });

/** Those of every family. */
export const dumpRoutes = (): Uint8Array => encodeDump(RTM_GETROUTE, new Uint8Array(12));

/** undefined for a message of another kind or family, and for routes outside the main table. */
export function decodeRoute(message: NetlinkMessage): Route | undefined {
  const { body } = message;
  const family = familyOf(body[0]);
  if (message.type !== RTM_NEWROUTE || body.length < 12 || family === undefined) return undefined;
  const attributes = decodeAttributes(body.subarray(12));
  const table = attributes.get(RTA_TABLE);
  if ((table === undefined ? body[4] : readUint32(table)) !== RT_TABLE_MAIN) return undefined;
  const length = Math.min(body[1] ?? 0, bitsOf(family));
  const value = readAddress(attributes.get(RTA_DST))?.value ?? 0n;
  return {
    destination: { family, value, length },
    linkIndex: readUint32(attributes.get(RTA_OIF) ?? new Uint8Array()),
    onLink: ![RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA].some((name) => attributes.has(name)),
  };
}
