// What follows from an endpoint's id and address.

import { randomBytes } from "node:crypto";
import type { Endpoint } from "./controller.ts";
import type { DriverNetwork } from "./drivers/driver.ts";
import type { Publication } from "./firewall/published.ts";
import type { PublishTarget } from "./ports/publish.ts";

export const VETH_NAMES = 5;

/** Names to try for the host end: "veth" and seven digits of the endpoint's id. */
export const vethNames = (endpointId: string): readonly string[] =>
  Array.from({ length: VETH_NAMES }, (_, index) => `veth${endpointId.slice(index * 7, index * 7 + 7)}`);

/** As Docker makes it: 02:42 and the IPv4 address; of the endpoint's id without one. */
export function macOf(ipv4: string, endpointId: string): string {
  const bytes =
    ipv4 === ""
      ? [0, 2, 4, 6].map((at) => Number.parseInt(endpointId.slice(at, at + 2), 16))
      : ipv4.split(".").map(Number);
  return `02:42:${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
}

/** One that nobody has, as Docker makes them. */
export const randomMac = (): string =>
  `02:42:${randomBytes(4)
    .toString("hex")
    .replace(/..(?=.)/g, "$&:")}`;

/** A port of an IPv6 address leads to the endpoint's IPv6 address, if it has one. */
export const publicationsOf = ({ ports, ipv4, ipv6 = "", networkId }: Endpoint): readonly Publication[] =>
  ports.map((port) => ({
    ...{ port, networkId },
    containerAddress: ipv4 === "" || (port.hostIp.includes(":") && ipv6 !== "") ? ipv6 : ipv4,
  }));

/** Where published ports lead. */
export const targetOf = (
  { ipv4, ipv6 = "" }: Endpoint,
  { sockets: from, routed }: Pick<DriverNetwork, "sockets" | "routed"> = {},
): PublishTarget => ({
  ...(ipv4 !== "" && { ipv4 }),
  ...(ipv6 !== "" && { ipv6 }),
  ...(from !== undefined && { from }),
  ...(routed !== undefined && { routed }),
});
