// Connections as the kernel follows them (linux/netfilter/nfnetlink_conntrack.h): which there are, and that some be forgotten.

import { addressBytes, type Family, type IpAddress, readAddress } from "./ip-prefix.ts";
import { attribute, decodeAttributes, nested, u8, u32 } from "./netlink/attributes.ts";
import { encodeDump, encodeMessage, type NetlinkMessage, NLM_F_ACK } from "./netlink/message.ts";

const SUBSYSTEM = 1 << 8;
const IPCTNL_MSG_CT_NEW = 0;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const AF_INET = 2;
const AF_INET6 = 10;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_FILTER = 25;
/** What of a tuple counts (net/netfilter/nf_internals.h). */
const IP_SRC = 1;
const PROTO_NUM = 8;
const PROTO_DST_PORT = 32;

/** struct nfgenmsg; in version 1 a deletion heeds the family. */
const head = (family: Family): Uint8Array => Uint8Array.of(family === 4 ? AF_INET : AF_INET6, 1, 0, 0);

const request = (family: Family, attributes: readonly Uint8Array[]): Uint8Array =>
  encodeMessage({
    type: SUBSYSTEM | IPCTNL_MSG_CT_DELETE,
    flags: NLM_F_ACK,
    body: Buffer.concat([head(family), ...attributes]),
  });

const filter = (original: number, reply: number): Uint8Array =>
  nested(CTA_FILTER, u32(1, original), u32(2, reply));

const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff);

/** Forgets the connections that the address began, and those that it answers. */
export function forgetAddress(address: IpAddress): readonly Uint8Array[] {
  const source = attribute(address.family === 4 ? 1 : 3, addressBytes(address));
  const tuple = (type: number): Uint8Array => nested(type, nested(1, source));
  return [
    request(address.family, [tuple(CTA_TUPLE_ORIG), filter(IP_SRC, 0)]),
    request(address.family, [tuple(CTA_TUPLE_REPLY), filter(0, IP_SRC)]),
  ];
}

/** Forgets what is sent to a port, of whatever address. `protocol` is a number of IP's. */
export const forgetPort = (family: Family, protocol: number, port: number): Uint8Array =>
  request(family, [
    nested(CTA_TUPLE_ORIG, nested(2, u8(1, protocol), attribute(3, portBytes(port)))),
    filter(PROTO_NUM | PROTO_DST_PORT, 0),
  ]);

/** A connection as its first packet began it, and who answers. */
export interface Connection {
  readonly family: Family;
  readonly protocol: number;
  readonly port: number;
  readonly answering: IpAddress | undefined;
  /** The attribute that names it. */
  readonly tuple: Uint8Array;
}

export const dumpConnections = (family: Family): Uint8Array =>
  encodeDump(SUBSYSTEM | IPCTNL_MSG_CT_GET, head(family));

const within = (attributes: ReadonlyMap<number, Uint8Array>, type: number) =>
  decodeAttributes(attributes.get(type) ?? new Uint8Array());

/** undefined for another message. */
export function decodeConnection({ type, body }: NetlinkMessage): Connection | undefined {
  const attributes = decodeAttributes(body.subarray(4));
  const tuple = attributes.get(CTA_TUPLE_ORIG);
  if (type !== (SUBSYSTEM | IPCTNL_MSG_CT_NEW) || tuple === undefined) return undefined;
  const family = body[0] === AF_INET ? 4 : 6;
  const protocol = within(within(attributes, CTA_TUPLE_ORIG), 2);
  const [high = 0, low = 0] = protocol.get(3) ?? [];
  const answer = within(within(attributes, CTA_TUPLE_REPLY), 1);
  return {
    ...{ family, tuple, port: high * 256 + low },
    protocol: protocol.get(1)?.[0] ?? 0,
    answering: readAddress(answer.get(family === 4 ? 1 : 3)),
  };
}

const NESTED = 0x8000;

/** ENOENT if it has ended. */
export const forgetConnection = ({ family, tuple }: Connection): Uint8Array =>
  request(family, [attribute(CTA_TUPLE_ORIG | NESTED, tuple)]);
