// IPv6 addresses as text and as numbers of 128 bits.

import { findIpv4 } from "./ipv4.ts";

const GROUPS = 8;

const isGroup = (part: string): boolean => /^[0-9a-fA-F]{1,4}$/.test(part);

/** The groups of one side of "::"; undefined if one is wrong. Dotted IPv4 stands for two groups, at the end. */
function readGroups(text: string): readonly number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const ipv4 = findIpv4(parts.at(-1) ?? "");
  const plain = ipv4 === undefined ? parts : parts.slice(0, -1);
  if (!plain.every(isGroup)) return undefined;
  const groups = plain.map((part) => Number.parseInt(part, 16));
  return ipv4 === undefined ? groups : [...groups, ipv4 >>> 16, ipv4 & 0xffff];
}

/** undefined unless the text is an address as RFC 4291 has it; one with a zone ("fe80::1%eth0") is not. */
export function findIpv6(text: string): bigint | undefined {
  const [before = "", after, ...more] = text.split("::");
  // Dotted IPv4 comes last only.
  if (more.length > 0 || (after !== undefined && before.includes("."))) return undefined;
  const left = readGroups(before);
  const right = readGroups(after ?? "");
  if (left === undefined || right === undefined) return undefined;
  const missing = GROUPS - left.length - right.length;
  if (after === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<number>(missing).fill(0), ...right];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** Position and length of the longest run of zeros, the first of several; one zero alone is not shortened. */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 1 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}

/** As RFC 5952 has it. */
export function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: GROUPS }, (_, index) =>
    Number((value >> BigInt(16 * (GROUPS - 1 - index))) & 0xffffn),
  );
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  const { start, length } = longestZeros(groups);
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}
