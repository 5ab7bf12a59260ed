// What follows from an endpoint's id and address.

import type { Endpoint } from "./controller.ts";
import type { Publication } from "./rules.ts";

const VETH_NAMES = 5;

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

export const publicationsOf = (endpoint: Endpoint): readonly Publication[] =>
  endpoint.ports.map((port) => ({ port, containerAddress: endpoint.ipv4, networkId: endpoint.networkId }));
