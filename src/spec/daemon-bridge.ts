// The daemon's settings for the addresses of networks, and for the default bridge.

import { isIPv4, isIPv6 } from "node:net";
import { array, DecodeError, integer, object, record, string } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { findPrefix } from "#formats/ip-prefix.ts";
import type { GivenValues } from "./given-values.ts";

/** Subnets with prefixes of length `size` are cut from `base` for networks that name none. */
export interface AddressPool {
  readonly base: string;
  readonly size: number;
}

/** Addresses with the length of their prefixes, subnets and gateways as text; "" is not given. */
export interface DefaultBridge {
  readonly bip: string;
  readonly bip6: string;
  /** Subnets that addresses of containers are chosen from. */
  readonly fixedCidr: string;
  readonly fixedCidr6: string;
  readonly gateway: string;
  readonly gateway6: string;
  readonly ipv6: boolean;
  /** Containers on it reach each other. */
  readonly icc: boolean;
  readonly masquerade: boolean;
}

/** As it is when nothing is given. */
export const plainBridge: DefaultBridge = {
  ...{ bip: "", bip6: "", fixedCidr: "", fixedCidr6: "", gateway: "", gateway6: "" },
  ...{ ipv6: false, icc: true, masquerade: true },
};

/** Throws `invalid` in dockerd's words. */
export function readDefaultBridge(values: GivenValues): DefaultBridge {
  const bridge = {
    bip: values.text("bip", ""),
    bip6: values.text("bip6", ""),
    fixedCidr: values.text("fixed-cidr", ""),
    fixedCidr6: values.text("fixed-cidr-v6", ""),
    gateway: values.text("default-gateway", ""),
    gateway6: values.text("default-gateway-v6", ""),
    ipv6: values.truth("ipv6"),
    icc: values.given.get("icc") !== false,
    masquerade: values.given.get("ip-masq") !== false,
  };
  for (const [flag, text, family] of [
    ["bip", bridge.bip, 4],
    ["bip6", bridge.bip6, 6],
    ["fixed-cidr", bridge.fixedCidr, 4],
    ["fixed-cidr-v6", bridge.fixedCidr6, 6],
  ] as const)
    if (text !== "" && findPrefix(text)?.family !== family)
      throw invalid(`parse --${flag} failed: invalid CIDR address: ${text}`);
  const isWrong =
    (bridge.gateway !== "" && !isIPv4(bridge.gateway)) ||
    (bridge.gateway6 !== "" && !isIPv6(bridge.gateway6));
  if (isWrong) throw invalid(`IP address is not correctly formatted: ${bridge.gateway || bridge.gateway6}`);
  return bridge;
}

const decodePools = array(object({ base: string, size: integer }, {}));

/** Throws `invalid` for what dockerd does not take either. */
export function readAddressPools(value: unknown): readonly AddressPool[] {
  if (value === undefined) return [];
  try {
    const pools = decodePools(value, "default-address-pools");
    for (const { base } of pools) checkBase(base);
    return pools;
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(error.message, { cause: error });
    throw error;
  }
}

function checkBase(base: string): void {
  if (findPrefix(base) === undefined)
    throw invalid(`invalid base prefix "${base}": netip.ParsePrefix("${base}"): ${whyNoPrefix(base)}`);
}

/** Options and their values, by driver. */
export type NetworkOptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

const decodeNetworkOptions = record(record(string));

/** Checked already. */
export const readNetworkOptions = (value: unknown): NetworkOptions =>
  decodeNetworkOptions(value ?? {}, "default-network-opts");

/** "bridge=com.docker.network.driver.mtu=1400" of the flag. */
export function parseNetworkOption(text: string): NetworkOptions {
  const [, driver = "", name = "", value = ""] = /^([^=]+)=([^=]+)=(.*)$/s.exec(text) ?? [];
  if (driver === "")
    throw invalid(
      `invalid argument "${text}" for "--default-network-opt" flag: must be driver=option=value: ${text}`,
    );
  return { [driver]: { [name]: value } };
}

/** As Go's netip tells it. */
function whyNoPrefix(text: string): string {
  if (!text.includes("/")) return "no '/'";
  const [address = "", length = ""] = text.split("/");
  if (!isIPv4(address) && !isIPv6(address)) return `ParseAddr("${address}"): unable to parse IP`;
  return /^\d+$/.test(length) ? "prefix length out of range" : `bad bits after slash: "${length}"`;
}

/** "base=10.0.0.0/8,size=24" of the flag. */
export function parseAddressPool(text: string): AddressPool {
  let pool = { base: "", size: 0 };
  for (const field of text.toLowerCase().split(",")) {
    const at = field.indexOf("=");
    const [key, value] = [field.slice(0, at), field.slice(at + 1)];
    if (at < 0) throw flagError(text, `invalid field '${field}' must be a key=value pair`);
    if (key === "base") pool = { ...pool, base: value };
    else if (key === "size") pool = { ...pool, size: readSize(text, value) };
    else throw flagError(text, `unexpected key '${key}' in '${field}'`);
  }
  return pool;
}

function readSize(text: string, value: string): number {
  if (/^[+-]?\d+$/.test(value)) return Number(value);
  throw flagError(
    text,
    `invalid size value: "${text}" (must be integer): strconv.Atoi: parsing "${value}": invalid syntax`,
  );
}

const flagError = (text: string, why: string): Error =>
  invalid(`invalid argument "${text}" for "--default-address-pool" flag: ${why}`);
