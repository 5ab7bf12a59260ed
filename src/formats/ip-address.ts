// IP addresses of either family, as text and as the bytes that go over the wire.

import { invalid } from "#base/errors.ts";
import { findIpv4, formatIpv4, ipv4Bytes } from "./ipv4.ts";
import { findIpv6, formatIpv6 } from "./ipv6.ts";

const IPV4_SIZE = 4;
const IPV6_SIZE = 16;

/** 4 or 16 of them. Throws `invalid` for anything else, an address with a zone included. */
export function addressBytes(text: string): Uint8Array {
  const ipv4 = findIpv4(text);
  if (ipv4 !== undefined) return ipv4Bytes(ipv4);
  const ipv6 = findIpv6(text);
  if (ipv6 === undefined) throw invalid(`invalid IP address: ${text}`);
  const bytes = Buffer.alloc(IPV6_SIZE);
  bytes.writeBigUInt64BE(ipv6 >> 64n, 0);
  bytes.writeBigUInt64BE(ipv6 & 0xffff_ffff_ffff_ffffn, 8);
  return bytes;
}

/** undefined unless there are 4 or 16 of them. */
export function formatAddress(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === IPV4_SIZE) return formatIpv4(view.getUint32(0));
  if (bytes.length !== IPV6_SIZE) return undefined;
  return formatIpv6((view.getBigUint64(0) << 64n) | view.getBigUint64(8));
}
