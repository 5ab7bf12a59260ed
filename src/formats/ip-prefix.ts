// Addresses and subnets of both families.

import { invalid } from "#base/errors.ts";
import { findIpv4, formatIpv4 } from "./ipv4.ts";
import { findIpv6, formatIpv6 } from "./ipv6.ts";

export type Family = 4 | 6;

export interface IpAddress {
  readonly family: Family;
  readonly value: bigint;
}

/** A subnet, or an address with the length of its subnet's prefix. */
export interface Prefix extends IpAddress {
  readonly length: number;
}

const MAPPED = 0xffffn << 32n;

export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/** undefined unless it is an address. An IPv4 address in IPv6's clothes ("::ffff:10.0.0.1") is an IPv4 address. */
export function findAddress(text: string): IpAddress | undefined {
  const ipv4 = findIpv4(text);
  if (ipv4 !== undefined) return { family: 4, value: BigInt(ipv4) };
  const value = findIpv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === MAPPED >> 32n ? { family: 4, value: value - MAPPED } : { family: 6, value };
}

export function parseAddress(text: string): IpAddress {
  const address = findAddress(text);
  if (address === undefined) throw invalid(`invalid IP address: ${text}`);
  return address;
}

export const formatAddress = ({ family, value }: IpAddress): string =>
  family === 4 ? formatIpv4(Number(value)) : formatIpv6(value);

/** 4 or 16 bytes in network order. */
export function addressBytes({ family, value }: IpAddress): Uint8Array {
  const digits = value.toString(16).padStart(bitsOf(family) / 4, "0");
  return Buffer.from(digits, "hex");
}

/** undefined unless there are 4 or 16 bytes. */
export function readAddress(bytes: Uint8Array | undefined): IpAddress | undefined {
  if (bytes?.length !== 4 && bytes?.length !== 16) return undefined;
  const value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** "172.17.0.1/16", "fd00::/64"; undefined if it is something else. */
export function findPrefix(text: string): Prefix | undefined {
  const [, address = "", digits = ""] = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const found = findAddress(address);
  const length = Number(digits);
  return found === undefined || digits === "" || length > bitsOf(found.family)
    ? undefined
    : { ...found, length };
}

export function parsePrefix(text: string): Prefix {
  const prefix = findPrefix(text);
  if (prefix === undefined) throw invalid(`invalid CIDR address: ${text}`);
  return prefix;
}

export const formatPrefix = (prefix: Prefix): string => `${formatAddress(prefix)}/${prefix.length}`;

/** Number of addresses that the prefix leaves. */
export const sizeOf = ({ family, length }: Prefix): bigint => 1n << BigInt(bitsOf(family) - length);

/** The subnet of an address: its first address is the value. */
export const subnetOf = (prefix: Prefix): Prefix => ({
  ...prefix,
  value: prefix.value - (prefix.value % sizeOf(prefix)),
});

/** The last address of a subnet. */
export const lastOf = (subnet: Prefix): bigint => subnet.value + sizeOf(subnet) - 1n;

export const holds = (subnet: Prefix, { family, value }: IpAddress): boolean =>
  family === subnet.family && value >= subnet.value && value <= lastOf(subnet);

/** Both are subnets: one of them holds the other, or they have nothing in common. */
export const overlap = (one: Prefix, other: Prefix): boolean => holds(one, other) || holds(other, one);

/** By first address, the wider one first. */
export function compareSubnets(one: Prefix, other: Prefix): number {
  if (one.value !== other.value) return one.value < other.value ? -1 : 1;
  return one.length - other.length;
}
