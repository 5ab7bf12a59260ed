// What a bridge offers: its addresses, and what inspect shows of it.

import { formatIpv4, formatSubnet, parseCidr, subnetOf } from "#formats/ipv4.ts";
import { AddressPool } from "./address-pool.ts";
import type { Bridge } from "./bridge.ts";
import type { NetworkInfo } from "./controller.ts";

export function openPool(bridge: Bridge | undefined, fixedCidr: string | undefined): AddressPool {
  if (bridge === undefined) return new AddressPool({ address: 0, prefixLength: 32 });
  const range = fixedCidr === undefined ? undefined : parseCidr(fixedCidr);
  const pool = new AddressPool(
    bridge.subnet,
    range === undefined ? bridge.subnet : subnetOf(range.address, range.prefixLength),
  );
  pool.take(bridge.gateway.address);
  return pool;
}

const bridgeOptions = (name: string, mtu: number): Readonly<Record<string, string>> => ({
  "com.docker.network.bridge.default_bridge": "true",
  "com.docker.network.bridge.enable_icc": "true",
  "com.docker.network.bridge.enable_ip_masquerade": "true",
  "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
  "com.docker.network.bridge.name": name,
  "com.docker.network.driver.mtu": String(mtu),
});

export const describeBridge = (
  { gateway, subnet, settings }: Bridge,
  mtu: number,
): Pick<NetworkInfo, "subnet" | "gateway" | "options"> => ({
  subnet: formatSubnet(subnet),
  // As Docker: the gateway is told when it was not chosen automatically.
  ...(gateway.automatic ? {} : { gateway: formatIpv4(gateway.address) }),
  options: bridgeOptions(settings.name, mtu),
});
