// Which of a sandbox's networks comes first: it gets the first interface, and the default gateway if it has one.

import type { Endpoint } from "./controller.ts";

/** The claim of an endpoint that is to be, or is. */
export interface Claim {
  readonly gatewayPriority?: number;
  readonly networkName: string;
  /** Of the network. */
  readonly internal: boolean;
  /** How many families it has a gateway for. */
  readonly gateways: number;
}

/** As Docker: the highest priority, then what leads out, then the name. */
export function compareClaims(one: Claim, other: Claim): number {
  const priority = (other.gatewayPriority ?? 0) - (one.gatewayPriority ?? 0);
  if (priority !== 0) return priority;
  if (one.internal !== other.internal) return one.internal ? 1 : -1;
  if (one.gateways !== other.gateways) return other.gateways - one.gateways;
  return one.networkName < other.networkName ? -1 : 1;
}

/** It has a gateway: packets for others can leave by it, and what is published comes in. */
export const hasGateway = ({ gateway, ipv6Gateway = "" }: Endpoint): boolean =>
  gateway !== "" || ipv6Gateway !== "";

export interface Exits {
  readonly ipv4?: Endpoint;
  readonly ipv6?: Endpoint;
}

/** The endpoints that the default routes of both families lead through; `endpoints` are in the order of their claims. */
export function findExits(
  endpoints: readonly Endpoint[],
  exitsByLink: (endpoint: Endpoint) => boolean,
): Exits {
  const ipv4 = endpoints.find((endpoint) => endpoint.gateway !== "" || exitsByLink(endpoint));
  const ipv6 = endpoints.find(
    (endpoint) =>
      (endpoint.ipv6Gateway ?? "") !== "" || ((endpoint.ipv6 ?? "") !== "" && exitsByLink(endpoint)),
  );
  return { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) };
}

/** The first free one: "eth0". Those that are taken, and those that were asked for, are not given. */
export function chooseInterfaceName(prefix: string, taken: ReadonlySet<string>): string {
  for (let number = 0; ; number++) if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`;
}
