// RTM_*ADDR messages: addresses of interfaces.

import {
  addressBytes,
  bitsOf,
  type Family,
  lastOf,
  type Prefix,
  parsePrefix,
  readAddress,
  subnetOf,
} from "../ip-prefix.ts";
import { attribute, decodeAttributes } from "../netlink/attributes.ts";
import { encodeCreation, encodeDump, type NetlinkMessage } from "../netlink/message.ts";
import { ADDRESS_FAMILY, familyOf } from "./families.ts";

const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_NODAD = 0x02;

/** An address with the length of its prefix. */
export interface InterfaceAddress {
  readonly linkIndex: number;
  readonly address: Prefix;
}

/** struct ifaddrmsg */
const head = (family: Family, prefixLength: number, linkIndex: number): Uint8Array => {
  const bytes = Uint8Array.of(ADDRESS_FAMILY[family], prefixLength, 0, 0, 0, 0, 0, 0);
  new DataView(bytes.buffer).setUint32(4, linkIndex, true);
  return bytes;
};

/** "172.17.0.1/16": IPv4's broadcast address is the last one of the subnet. "fd00::1/64": used at once, whether or not somebody has it (no
 *  duplicate address detection): who adds it knows. */
export function addAddress(linkIndex: number, address: string): Uint8Array {
  const prefix = parsePrefix(address);
  const { family, length } = prefix;
  const local = addressBytes(prefix);
  const start = head(family, length, linkIndex);
  if (family === 6) start[2] = IFA_F_NODAD;
  const broadcast = { family, value: lastOf(subnetOf(prefix)) };
  const body = Buffer.concat([
    start,
    attribute(IFA_LOCAL, local),
    ...(family === 4 ? [attribute(IFA_BROADCAST, addressBytes(broadcast))] : []),
    attribute(IFA_ADDRESS, local),
  ]);
  return encodeCreation(RTM_NEWADDR, body);
}

/** Those of every family. */
export const dumpAddresses = (): Uint8Array => encodeDump(RTM_GETADDR, new Uint8Array(8));

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
  const start = head(4, prefixLength, to);
  start[0] = family;
  return encodeCreation(RTM_NEWADDR, Buffer.concat([start, ...kept]));
}

/** undefined for a message of another kind or family. */
export function decodeAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  const { body } = message;
  if (message.type !== RTM_NEWADDR || body.length < 8) return undefined;
  const family = familyOf(body[0]);
  const attributes = decodeAttributes(body.subarray(8));
  const local = readAddress(attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS));
  const length = body[1] ?? 0;
  if (family === undefined || local?.family !== family || length > bitsOf(family)) return undefined;
  return {
    linkIndex: new DataView(body.buffer, body.byteOffset).getUint32(4, true),
    address: { ...local, length },
  };
}
