// What follows from an endpoint's id and address.

import { formatIpv4 } from "#formats/ipv4.ts";
import type { Endpoint } from "./controller.ts";
import type { Publication } from "./rules.ts";

const VETH_NAMES = 5;

/** Names to try for the host end: "veth" and seven digits of the endpoint's id. */
export const vethNames = (endpointId: string): readonly string[] =>
  Array.from({ length: VETH_NAMES }, (_, index) => `veth${endpointId.slice(index * 7, index * 7 + 7)}`);

export const macOf = (address: number): string =>
  `02:42:${formatIpv4(address)
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join(":")}`;

export const publicationsOf = (endpoint: Endpoint): readonly Publication[] =>
  endpoint.ports.map((port) => ({ port, containerAddress: endpoint.ipv4 }));
