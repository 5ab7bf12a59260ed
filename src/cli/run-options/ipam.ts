// The subnets of a new network: `--subnet`, and what belongs to each. Throws an Error in the words of Docker's client.

import { findAddress, findPrefix, holds, subnetOf } from "#formats/ip-prefix.ts";
import type { IPAMConfig } from "#spec/engine-api/definitions.table.ts";

export interface IpamFlags {
  readonly subnets: readonly string[];
  readonly ranges: readonly string[];
  readonly gateways: readonly string[];
  readonly auxiliary: Readonly<Record<string, string>>;
}

function isWithin(subnet: string, text: string): boolean {
  const prefix = findPrefix(subnet);
  if (prefix === undefined) throw new Error(`invalid subnet: invalid CIDR address: ${subnet}`);
  const address = text.includes("/") ? findPrefix(text) : findAddress(text);
  if (address === undefined && text.includes("/")) throw new Error(`invalid CIDR address: ${text}`);
  return address !== undefined && holds(subnetOf(prefix), address);
}

export function ipamConfig({ subnets, ranges, gateways, auxiliary }: IpamFlags): readonly IPAMConfig[] {
  if (subnets.length < Math.max(ranges.length, gateways.length))
    throw new Error("every ip-range or gateway must have a corresponding subnet");
  for (const [at, subnet] of subnets.entries())
    for (const other of subnets.slice(0, at))
      if (isWithin(subnet, other) || isWithin(other, subnet))
        throw new Error("multiple overlapping subnet configuration is not supported");
  const rangeOf = assign(subnets, ranges, {
    none: (range) => `no matching subnet for range ${range}`,
    twice: (range, other, subnet) =>
      `cannot configure multiple ranges (${range}, ${other}) on the same subnet (${subnet})`,
  });
  const gatewayOf = assign(subnets, gateways, {
    none: (gateway) => `no matching subnet for gateway ${gateway}`,
    twice: (gateway, other, subnet) =>
      `cannot configure multiple gateways (${gateway}, ${other}) for the same subnet (${subnet})`,
  });
  const others = Object.entries(auxiliary).filter(([, address]) => address !== "");
  for (const [, address] of others)
    if (!subnets.some((subnet) => isWithin(subnet, address)))
      throw new Error(`no matching subnet for aux-address ${address}`);
  return subnets.map((Subnet) => {
    const [range, gateway] = [rangeOf.get(Subnet), gatewayOf.get(Subnet)];
    return {
      Subnet,
      ...(range !== undefined && { IPRange: range }),
      ...(gateway !== undefined && { Gateway: gateway }),
      AuxiliaryAddresses: Object.fromEntries(others.filter(([, address]) => isWithin(Subnet, address))),
    };
  });
}

/** Each text by the subnet that it is in. */
function assign(
  subnets: readonly string[],
  texts: readonly string[],
  words: {
    readonly none: (text: string) => string;
    readonly twice: (text: string, other: string, subnet: string) => string;
  },
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const text of texts) {
    const fitting = subnets.filter((subnet) => isWithin(subnet, text));
    if (fitting.length === 0) throw new Error(words.none(text));
    for (const subnet of fitting) {
      const other = found.get(subnet);
      if (other !== undefined) throw new Error(words.twice(text, other, subnet));
      found.set(subnet, text);
    }
  }
  return found;
}
