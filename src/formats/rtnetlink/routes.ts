// RTM_*ROUTE messages: IPv4 routes.

import { ipv4Bytes } from "../ipv4.ts";
import { attribute, decodeAttributes, readUint32, readUint32be, u32 } from "../netlink/attributes.ts";
import { encodeCreation, encodeDump, type NetlinkMessage } from "../netlink/message.ts";

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const AF_INET = 2;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_TABLE = 15;

export interface Route {
  readonly destination: number;
  readonly prefixLength: number;
  readonly linkIndex: number;
}

/** struct rtmsg */
const head = (prefixLength: number): Uint8Array =>
  Uint8Array.of(AF_INET, prefixLength, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, 0, RTN_UNICAST, 0, 0, 0, 0);

export const addDefaultRoute = (gateway: number, linkIndex: number): Uint8Array =>
  encodeCreation(
    RTM_NEWROUTE,
    Buffer.concat([head(0), attribute(RTA_GATEWAY, ipv4Bytes(gateway)), u32(RTA_OIF, linkIndex)]),
  );

export const dumpRoutes = (): Uint8Array =>
  encodeDump(RTM_GETROUTE, Uint8Array.of(AF_INET, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));

/** undefined for a message of another kind or family, and for routes outside the main table. */
export function decodeRoute(message: NetlinkMessage): Route | undefined {
  const { body } = message;
  if (message.type !== RTM_NEWROUTE || body.length < 12 || body[0] !== AF_INET) return undefined;
  const attributes = decodeAttributes(body.subarray(12));
  const empty = new Uint8Array();
  const table = attributes.get(RTA_TABLE);
  if ((table === undefined ? body[4] : readUint32(table)) !== RT_TABLE_MAIN) return undefined;
  return {
    destination: readUint32be(attributes.get(RTA_DST) ?? empty),
    prefixLength: body[1] ?? 0,
    linkIndex: readUint32(attributes.get(RTA_OIF) ?? empty),
  };
}
