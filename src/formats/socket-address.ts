// struct sockaddr_in and sockaddr_in6 (linux/in.h, linux/in6.h).

import { isIPv6, SocketAddress } from "node:net";
import { addressBytes, formatAddress, parseAddress, readAddress } from "./ip-prefix.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const IPV4 = { family: AF_INET, at: 4, length: 4, size: 16 };
const IPV6 = { family: AF_INET6, at: 8, length: 16, size: 28 };

export function encodeSocketAddress(address: string, port: number): Uint8Array {
  const ip = addressBytes(parseAddress(address));
  const { family, at, size } = ip.length === IPV4.length ? IPV4 : IPV6;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port, false);
  bytes.set(ip, at);
  return bytes;
}

/** "127.0.0.11:53", "[fd00::1]:53". */
export function formatSocketAddress(bytes: Uint8Array): string {
  const { at, length } = bytes[0] === AF_INET ? IPV4 : IPV6;
  const ip = readAddress(bytes.subarray(at, at + length));
  const address = ip === undefined ? "?" : formatAddress(ip);
  const port = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint16(2, false);
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The address as Node tells it of a sender, however it was written. */
export const canonicalAddress = (address: string): string =>
  new SocketAddress({ address, family: isIPv6(address) ? "ipv6" : "ipv4" }).address;
