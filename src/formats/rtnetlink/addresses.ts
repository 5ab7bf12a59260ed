// RTM_*ADDR messages: IPv4 addresses of interfaces.

import { ipv4Bytes } from "../ipv4.ts";
import { attribute, decodeAttributes, readUint32be } from "../netlink/attributes.ts";
import { encodeCreation, encodeDump, type NetlinkMessage } from "../netlink/message.ts";

const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const AF_INET = 2;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;

export interface InterfaceAddress {
  readonly linkIndex: number;
  readonly address: number;
  readonly prefixLength: number;
}

/** struct ifaddrmsg */
const head = (prefixLength: number, linkIndex: number): Uint8Array => {
  const bytes = Uint8Array.of(AF_INET, prefixLength, 0, 0, 0, 0, 0, 0);
  new DataView(bytes.buffer).setUint32(4, linkIndex, true);
  return bytes;
};

/** The broadcast address is the last one of the subnet. */
export function addAddress(address: InterfaceAddress): Uint8Array {
  const local = ipv4Bytes(address.address);
  const hosts = 2 ** (32 - address.prefixLength);
  const last = address.address - (address.address % hosts) + hosts - 1;
  const body = Buffer.concat([
    head(address.prefixLength, address.linkIndex),
    attribute(IFA_LOCAL, local),
    attribute(IFA_BROADCAST, ipv4Bytes(last)),
    attribute(IFA_ADDRESS, local),
  ]);
  return encodeCreation(RTM_NEWADDR, body);
}

/** Those of every family. */
export const dumpAllAddresses = (): Uint8Array => encodeDump(RTM_GETADDR, new Uint8Array(8));

const IFA_F_PERMANENT = 0x80;
const RT_SCOPE_UNIVERSE = 0;

/** Whatever its family: an address of the link that was set to stay and is known everywhere, as the wish for the same one on another
 *  link. */
export function copyAddress(message: NetlinkMessage, from: number, to: number): Uint8Array | undefined {
  const { type, body } = message;
  if (type !== RTM_NEWADDR || body.length < 8) return undefined;
  const [family = 0, prefixLength = 0, flags = 0, scope = 0] = body;
  const index = new DataView(body.buffer, body.byteOffset).getUint32(4, true);
  if (index !== from || (flags & IFA_F_PERMANENT) === 0 || scope !== RT_SCOPE_UNIVERSE) return undefined;
  const attributes = decodeAttributes(body.subarray(8));
  const kept = [IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST].flatMap((name) => {
    const value = attributes.get(name);
    return value === undefined ? [] : [attribute(name, value)];
  });
  const start = head(prefixLength, to);
  start[0] = family;
  return encodeCreation(RTM_NEWADDR, Buffer.concat([start, ...kept]));
}

export const dumpAddresses = (): Uint8Array => encodeDump(RTM_GETADDR, head(0, 0));

/** undefined for a message of another kind or family. */
export function decodeAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  const { body } = message;
  if (message.type !== RTM_NEWADDR || body.length < 8 || body[0] !== AF_INET) return undefined;
  const attributes = decodeAttributes(body.subarray(8));
  const local = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (local === undefined) return undefined;
  return {
    linkIndex: new DataView(body.buffer, body.byteOffset).getUint32(4, true),
    address: readUint32be(local),
    prefixLength: body[1] ?? 0,
  };
}
