// What a network's subnets are asked to be, and whether that can be: with all errors at once, in Docker's words.

import { invalid } from "#base/errors.ts";
import {
  compareSubnets,
  type Family,
  findAddress,
  findPrefix,
  formatPrefix,
  holds,
  overlap,
  type Prefix,
  subnetOf,
} from "#formats/ip-prefix.ts";

/** One entry of a network's IPAM configuration. What is not given is chosen. */
export interface SubnetSetting {
  readonly subnet?: string;
  /** Part of the subnet that addresses are chosen from. */
  readonly range?: string;
  readonly gateway?: string;
  /** By name: addresses that others in the subnet have. */
  readonly auxiliary: Readonly<Record<string, string>>;
  /** Of one that a network has: what who has given it calls it, if he keeps that himself. */
  readonly poolId?: string;
  readonly space?: string;
}

/** An entry without a subnet is one of IPv4. */
export const familyOfSetting = ({ subnet = "" }: SubnetSetting): Family => (subnet.includes(":") ? 6 : 4);

/** Rejects `invalid`, naming everything that is wrong. IPv6 subnets of a network without IPv6 are not looked at. */
export function checkSubnets(settings: readonly SubnetSetting[], ipv6: boolean): void {
  const errors = settings
    .filter((setting) => ipv6 || familyOfSetting(setting) === 4)
    .flatMap((setting) => errorsOf(setting));
  if (errors.length > 0) throw invalid(`invalid network config:\n${listed(errors)}`);
}

/** As Go's multierror is printed. */
const listed = (errors: readonly string[]): string =>
  errors.length === 1 ? errors.join("") : errors.map((error) => `* ${error}`).join("\n");

function errorsOf({ subnet, range, gateway, auxiliary }: SubnetSetting): readonly string[] {
  const given = subnet === undefined ? undefined : findPrefix(subnet);
  if (subnet !== undefined && given === undefined)
    return [`invalid subnet ${subnet}: invalid CIDR block notation`];
  const outside = (text: string): string | undefined => whyOutside(text, given);
  const gatewayError = gateway === undefined ? undefined : outside(gateway);
  return [
    ...(given === undefined ? [] : maskErrors("subnet", given)),
    ...(range === undefined ? [] : rangeErrors(range, given)),
    ...(gatewayError === undefined ? [] : [`invalid gateway ${gateway}: ${gatewayError}`]),
    ...Object.entries(auxiliary).flatMap(([name, address]) => {
      const error = outside(address);
      return error === undefined ? [] : [`invalid auxiliary address ${name}: ${error}`];
    }),
  ];
}

function maskErrors(what: string, prefix: Prefix): readonly string[] {
  const subnet = subnetOf(prefix);
  if (compareSubnets(subnet, prefix) === 0) return [];
  return [`invalid ${what} ${formatPrefix(prefix)}: it should be ${formatPrefix(subnet)}`];
}

function rangeErrors(text: string, subnet: Prefix | undefined): readonly string[] {
  const range = findPrefix(text);
  if (range === undefined) return [`invalid ip-range ${text}: invalid CIDR block notation`];
  const family = subnet?.family ?? 4;
  if (range.family !== family) return [`invalid ip-range ${text}: parent subnet is an IPv${family} block`];
  if (subnet === undefined)
    return [`invalid ip-range ${text}: parent subnet invalid Prefix doesn't contain ip-range`];
  const name = `invalid ip-range ${formatPrefix(range)}`;
  const parent = formatPrefix(subnet);
  return [
    ...(range.length < subnet.length
      ? [`${name}: CIDR block is bigger than its parent subnet ${parent}`]
      : []),
    ...maskErrors("ip-range", range),
    ...(overlap(subnetOf(subnet), subnetOf(range))
      ? []
      : [`${name}: parent subnet ${parent} doesn't contain ip-range`]),
  ];
}

function whyOutside(text: string, subnet: Prefix | undefined): string | undefined {
  const address = findAddress(text);
  if (address === undefined) return "invalid address";
  const family = subnet?.family ?? 4;
  if (address.family !== family) return `parent subnet is an IPv${family} block`;
  if (subnet !== undefined && holds(subnetOf(subnet), address)) return undefined;
  return `parent subnet ${subnet === undefined ? "invalid Prefix" : formatPrefix(subnet)} doesn't contain this address`;
}
