// The links of one attempt to connect a sandbox, and what the sandbox is if it succeeds.

import { randomInt } from "node:crypto";
import type { Attachment } from "./attachments.ts";
import type { PlacedLink } from "./connect-sandbox.ts";
import type { Endpoint } from "./controller.ts";
import type { PlannedEndpoint } from "./plan-endpoints.ts";

/** A link number that something in the sandbox has taken is passed by widely. */
const NUMBER_STEP = 101;
/** The kernel gives numbers from 1 on: nobody has those from here on but pairs of ours. */
const HOST_INDEX = 2 ** 29;

export interface Attempt {
  /** Counts from 0. */
  readonly attempt: number;
  readonly isRunning: boolean;
  /** The interface that is going and has the address of the endpoint still. */
  readonly predecessorOf: (endpoint: Endpoint) => string | undefined;
}

export function placeLinks(
  draft: Attachment,
  planned: readonly PlannedEndpoint[],
  { attempt, isRunning, predecessorOf }: Attempt,
): { readonly links: readonly PlacedLink[]; readonly attachment: Attachment } {
  const shift = isRunning ? attempt * NUMBER_STEP : 0;
  const holdings = new Map(draft.holdings);
  let { endpoints } = draft.sandbox;
  const links = planned
    .filter(({ hasLink }) => hasLink)
    .map(({ network, endpoint: { endpointId, interfaceIndex = 0 }, sysctls, routes }): PlacedLink => {
      const index = interfaceIndex + shift;
      endpoints = endpoints.map((other) =>
        other.endpointId === endpointId ? { ...other, interfaceIndex: index } : other,
      );
      const endpoint = endpoints.find((other) => other.endpointId === endpointId);
      const holding = holdings.get(endpointId);
      if (endpoint === undefined || holding === undefined) throw new Error(`no endpoint ${endpointId}`);
      const predecessor = predecessorOf(endpoint);
      const { remote } = network.driver;
      const { hostName, ...link } = network.driver.planLink({
        ...{ endpoint, interfaceIndex: index, attempt },
        ...(isRunning && { hostIndex: randomInt(HOST_INDEX, 2 * HOST_INDEX) }),
        ...(predecessor !== undefined && { predecessor }),
      });
      if (hostName !== undefined) holdings.set(endpointId, { ...holding, hostName });
      return {
        ...link,
        ...{ index, name: endpoint.interfaceName, sysctls, routes },
        addresses: addressesOf(endpoint),
        ...(hostName !== undefined && { hostName }),
        ...(remote !== undefined && { takeBack: () => remote.takeBack(endpointId) }),
      };
    });
  return { links, attachment: { sandbox: { ...draft.sandbox, endpoints }, holdings } };
}

/** Link-local ones as Docker programs them: of a prefix of 16 bits, IPv6's of 64. */
const addressesOf = ({
  ipv4,
  prefixLength,
  ipv6 = "",
  ipv6PrefixLength = 0,
  linkLocal = [],
}: Endpoint): readonly string[] => [
  ...(ipv4 === "" ? [] : [`${ipv4}/${prefixLength}`]),
  ...(ipv6 === "" ? [] : [`${ipv6}/${ipv6PrefixLength}`]),
  ...linkLocal.map((address) => (address.includes(":") ? `${address}/64` : `${address}/16`)),
];
