// Published ports as elements of the maps. A port is one element, a range of ports is one, too.

import { addressBytes, findAddress, parseAddress } from "#formats/ip-prefix.ts";
import { concatenate, type Element } from "#formats/nftables/sets.ts";
import type { BoundPort } from "../controller.ts";
import type { Family } from "./families.ts";
import { planShift } from "./range-shift.ts";

export interface Publication {
  readonly port: BoundPort;
  readonly containerAddress: string;
  readonly networkId: string;
}

/** Maps of ports: their names and elements. */
export type PortElements = Readonly<
  Record<"published-at" | "published" | "ranges" | "shifted-ranges", readonly Element[]>
>;

export const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;

export const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff);

const isEvery = (hostIp: string): boolean => hostIp === "0.0.0.0" || hostIp === "::";

const none: PortElements = { "published-at": [], published: [], ranges: [], "shifted-ranges": [] };

/** `port` of one address, or of every address. */
function singleElement(port: BoundPort, container: Uint8Array): PortElements {
  const service = [Uint8Array.of(protocols[port.proto]), portBytes(port.hostPort)];
  const value = concatenate(container, portBytes(port.containerPort));
  if (isEvery(port.hostIp)) return { ...none, published: [{ key: concatenate(...service), value }] };
  const address = addressBytes(parseAddress(port.hostIp));
  return { ...none, "published-at": [{ key: concatenate(address, ...service), value }] };
}

interface Ends {
  readonly first: number;
  readonly last: number;
}

function rangeElement(family: Family, port: BoundPort, { first, last }: Ends): Element {
  const bytes = addressBytes(parseAddress(port.hostIp));
  const protocol = Uint8Array.of(protocols[port.proto]);
  const every = new Uint8Array(family.addressLength).fill(0xff);
  return {
    key: concatenate(bytes, protocol, portBytes(first)),
    last: concatenate(isEvery(port.hostIp) ? every : bytes, protocol, portBytes(last)),
  };
}

function rangeElements(family: Family, port: BoundPort, container: Uint8Array): PortElements {
  const hostPorts = { first: port.hostPort, last: port.hostPortEnd ?? port.hostPort };
  if (port.containerPort === port.hostPort)
    return { ...none, ranges: [{ ...rangeElement(family, port, hostPorts), value: container }] };
  const shifted = planShift(hostPorts, port.containerPort).map((shift) => ({
    ...rangeElement(family, port, shift.hostPorts),
    value: concatenate(container, portBytes(shift.to.first), portBytes(shift.to.last)),
  }));
  return { ...none, "shifted-ranges": shifted };
}

/** Nothing if the port is not of the family, or leads to a container's address of the other one: nothing is translated between the families. */
export function publishedElements(family: Family, { port, containerAddress }: Publication): PortElements {
  const container = findAddress(containerAddress);
  if (container?.family !== family.version || findAddress(port.hostIp)?.family !== family.version)
    return none;
  const bytes = addressBytes(container);
  const isRange = (port.hostPortEnd ?? port.hostPort) > port.hostPort;
  return isRange ? rangeElements(family, port, bytes) : singleElement(port, bytes);
}
