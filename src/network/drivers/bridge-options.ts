// The options of a bridge network (-o), with Docker's messages.

import { isIP, isIPv4, isIPv6 } from "node:net";
import { invalid, systemError, unsupported } from "#base/errors.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import type { GatewayMode } from "../firewall/firewall-network.ts";
import type { NetworkSpec } from "../network-spec.ts";

export interface BridgeOptions {
  /** Of the interface on the host. */
  readonly name: string;
  readonly mtu: number;
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** The interface on the host gets no IPv4 address. */
  readonly inhibitIpv4: boolean;
  readonly interfacePrefix: string;
  /** Host address of published ports that name none; "" is the daemon's. */
  readonly hostBinding: string;
  readonly trustedInterfaces: readonly string[];
  readonly gatewayMode: { readonly ipv4: GatewayMode; readonly ipv6: GatewayMode };
  /** What leaves the network gets this source address. */
  readonly hostAddress: { readonly ipv4?: string; readonly ipv6?: string };
}

const BRIDGE = "com.docker.network.bridge.";
const DRIVER = "com.docker.network.";

/** Options of Docker's for every driver that this engine refuses, as it does not do what they say. */
const refused = ["com.docker.network.advertise_addr_nmsgs", "com.docker.network.advertise_addr_ms"];

export function refuseUnheard(options: NetworkSpec["options"]): void {
  for (const label of refused) if (options[label] !== undefined) throw unsupported(`-o ${label}`);
}

const failed = (label: string, value: string, why: string) =>
  invalid(`failed to parse ${label} value: ${value} (${why})`);

function readFlag(options: NetworkSpec["options"], label: string, fallback: boolean): boolean {
  const value = options[label];
  if (value === undefined) return fallback;
  const flag = parseGoBoolean(value);
  if (flag !== undefined) return flag;
  throw failed(label, value, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}

export function readMtu(options: NetworkSpec["options"], fallback: number): number {
  const label = `${DRIVER}driver.mtu`;
  const value = options[label];
  if (value === undefined) return fallback;
  if (!/^[+-]?\d+$/.test(value))
    throw failed(label, value, `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  if (Number(value) < 0) throw invalid(`invalid MTU number: ${Number(value)}`);
  return Number(value) === 0 ? fallback : Number(value);
}

function readAddress(
  options: NetworkSpec["options"],
  label: string,
  holds: (text: string) => unknown,
): string | undefined {
  const value = options[label];
  if (value === undefined) return undefined;
  if (!holds(value)) throw failed(label, value, "nil ip");
  return value;
}

/** Every address is what a port gets that names none. */
function readBinding(options: NetworkSpec["options"]): string {
  const address = readAddress(options, `${BRIDGE}host_binding_ipv4`, isIP) ?? "";
  return address === "0.0.0.0" ? "" : address;
}

function readMode(options: NetworkSpec["options"], label: string): GatewayMode {
  const value = options[label] ?? "";
  switch (value) {
    case "":
      return "nat";
    case "nat":
    case "nat-unprotected":
    case "routed":
    case "isolated":
      return value;
    default:
      throw failed(label, value, `unknown gateway mode ${value}`);
  }
}

/** "eth1:eth2". A name that no interface can have is refused, as the rules would have one of another in its place. */
function readInterfaces(options: NetworkSpec["options"], label: string): readonly string[] {
  const value = options[label] ?? "";
  const names = value.split(":").filter((name) => name !== "");
  for (const name of names)
    if (!/^[^\s/]{1,15}$/.test(name)) throw failed(label, value, `invalid interface name ${name}`);
  return names;
}

/** Throws for an option that is wrong, or that this engine cannot obey. `id`: names the interface of a network that does not say how. */
export function readBridgeOptions(spec: NetworkSpec, id: string, defaultMtu: number): BridgeOptions {
  const { options } = spec;
  refuseUnheard(options);
  const name = options[`${BRIDGE}name`] || `br-${id.slice(0, 12)}`;
  if (!/^[^\s/]{1,15}$/.test(name)) throw invalid(`invalid bridge name: ${name}`);
  const gatewayMode = {
    ipv4: readMode(options, `${BRIDGE}gateway_mode_ipv4`),
    ipv6: readMode(options, `${BRIDGE}gateway_mode_ipv6`),
  };
  if ((gatewayMode.ipv4 === "isolated" || gatewayMode.ipv6 === "isolated") && !spec.internal)
    throw systemError("gateway mode 'isolated' can only be used for an internal network");
  const ipv4 = readAddress(options, `${DRIVER}host_ipv4`, isIPv4);
  const ipv6 = readAddress(options, `${DRIVER}host_ipv6`, isIPv6);
  return {
    name,
    mtu: readMtu(options, defaultMtu),
    icc: readFlag(options, `${BRIDGE}enable_icc`, true),
    masquerade: readFlag(options, `${BRIDGE}enable_ip_masquerade`, true),
    inhibitIpv4: readFlag(options, `${BRIDGE}inhibit_ipv4`, false),
    interfacePrefix: options[`${DRIVER}container_iface_prefix`] || "eth",
    hostBinding: readBinding(options),
    trustedInterfaces: readInterfaces(options, `${BRIDGE}trusted_host_interfaces`),
    gatewayMode,
    hostAddress: { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) },
  };
}
