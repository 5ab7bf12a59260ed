// IPv4 addresses and prefixes as text and as numbers.

import { invalid } from "#base/errors.ts";

/** A subnet: `address` is its first address, as a number. */
export interface Subnet {
  readonly address: number;
  readonly prefixLength: number;
}

/** undefined unless the text is four decimal numbers of 0 to 255. */
export function findIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function parseIpv4(text: string): number {
  const value = findIpv4(text);
  if (value === undefined) throw invalid(`invalid IPv4 address: ${text}`);
  return value;
}

export const formatIpv4 = (value: number): string =>
  [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");

export function ipv4Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, false);
  return bytes;
}

/** "172.17.0.1/16": an address and the length of its prefix. */
export function parseCidr(text: string): { readonly address: number; readonly prefixLength: number } {
  const [address, length, ...rest] = text.split("/");
  const prefixLength = Number(length);
  const value = findIpv4(address ?? "");
  if (value === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length ?? "") || prefixLength > 32)
    throw invalid(`invalid CIDR address: ${text}`);
  return { address: value, prefixLength };
}

/** Number of addresses that the prefix leaves. */
const sizeOf = (subnet: Subnet): number => 2 ** (32 - subnet.prefixLength);

export const subnetOf = (address: number, prefixLength: number): Subnet => ({
  address: address - (address % 2 ** (32 - prefixLength)),
  prefixLength,
});

export const contains = (subnet: Subnet, address: number): boolean =>
  address >= subnet.address && address < subnet.address + sizeOf(subnet);

export const overlaps = (one: Subnet, other: Subnet): boolean =>
  contains(one, other.address) || contains(other, one.address);

export const formatSubnet = (subnet: Subnet): string =>
  `${formatIpv4(subnet.address)}/${subnet.prefixLength}`;
