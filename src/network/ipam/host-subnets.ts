// Which subnets the machine uses already: the default driver does not choose them.

import { bitsOf, type Family, findAddress } from "#formats/ip-prefix.ts";
import type { Route } from "#formats/rtnetlink/routes.ts";
import type { Reserved } from "./subnet-space.ts";

/** A route to more than that stands for the default route: VPNs set 0.0.0.0/1 and 128.0.0.0/1, or as many as it takes to leave a hole. */
const SHORTEST_PREFIX = 8;

/** As Docker: what is on a link of the machine, and the name servers of its resolv.conf. What is behind a gateway may be used or not: it is
 *  chosen last. */
export function reservedSubnets(
  family: Family,
  routes: readonly Route[],
  nameservers: readonly string[],
): Reserved {
  const length = bitsOf(family);
  const servers = nameservers
    .flatMap((text) => findAddress(text) ?? [])
    .map((server) => ({ ...server, length }));
  const known = routes.filter(
    ({ destination }) => destination.family === family && destination.length >= SHORTEST_PREFIX,
  );
  const to = (onLink: boolean) =>
    known.filter((route) => route.onLink === onLink).map(({ destination }) => destination);
  return {
    always: [...to(true), ...servers.filter((server) => server.family === family)],
    ifPossible: to(false),
  };
}
