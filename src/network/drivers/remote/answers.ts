// What a network plugin answers about an endpoint: read, and held against what it may be. It may lie.

import { array, boolean, type Decoded, integer, object, string } from "#base/decode.ts";
import { systemError } from "#base/errors.ts";
import { findAddress, findPrefix, formatAddress, formatPrefix, holds, subnetOf } from "#formats/ip-prefix.ts";
import { findMac } from "#formats/mac-address.ts";
import type { LinkRoute } from "../../sandbox-plan.ts";

export const decodeNothing = object({}, { Err: string });
export const decodeCapabilities = object({}, { Err: string, Scope: string, ConnectivityScope: string });
export const decodeEndpoint = object(
  {},
  { Err: string, Interface: object({}, { Address: string, AddressIPv6: string, MacAddress: string }) },
);
export const decodeJoin = object(
  {},
  {
    Err: string,
    InterfaceName: object({}, { SrcName: string, DstName: string, DstPrefix: string }),
    Gateway: string,
    GatewayIPv6: string,
    StaticRoutes: array(object({}, { Destination: string, RouteType: integer, NextHop: string })),
    DisableGatewayService: boolean,
  },
);

/** What an endpoint has before the plugin is asked. */
export interface Given {
  /** With the lengths of their prefixes. */
  readonly addresses: readonly string[];
  /** "" if none was asked for. */
  readonly macAddress: string;
  readonly subnets: readonly string[];
}

const familyOf = (address: string): 4 | 6 => (address.includes(":") ? 6 : 4);

/** The addresses that the plugin has chosen, and the MAC address that the endpoint has then. Throws in Docker's words for what was given already. */
export function readEndpoint(
  { Interface: told = {} }: Decoded<typeof decodeEndpoint>,
  given: Given,
): Pick<Given, "addresses" | "macAddress"> {
  const macAddress = readMac(told.MacAddress ?? "");
  if (macAddress !== "" && given.macAddress !== "")
    throw systemError(
      `driver modified interface MAC address: endpoint interface MAC address present (${given.macAddress}). Cannot be modified with ${macAddress}.`,
    );
  const addresses = ([4, 6] as const).flatMap((family) => {
    const text = (family === 4 ? told.Address : told.AddressIPv6) ?? "";
    return text === "" ? [] : [readOwnAddress(text, family, given)];
  });
  return { addresses, macAddress: macAddress || given.macAddress };
}

function readOwnAddress(text: string, family: 4 | 6, given: Given): string {
  const prefix = findPrefix(text);
  if (prefix?.family !== family || prefix.value === 0n) throw systemError(`invalid CIDR address: ${text}`);
  const address = formatPrefix(prefix);
  const present = given.addresses.find((other) => familyOf(other) === family);
  if (present !== undefined)
    throw systemError(
      `driver modified interface address: endpoint interface IP present (${present}). Cannot be modified with (${address}).`,
    );
  const isInside = given.subnets.some((subnet) => {
    const pool = findPrefix(subnet);
    return pool !== undefined && holds(subnetOf(pool), prefix);
  });
  if (!isInside)
    throw systemError(`the plugin gives the address ${address}, which is in no subnet of the network`);
  return address;
}

const GROUP_BIT = 1;

function readMac(text: string): string {
  if (text === "") return "";
  const address = findMac(text);
  if (address === undefined || (Number.parseInt(address.slice(0, 2), 16) & GROUP_BIT) !== 0)
    throw systemError(`address ${text}: invalid MAC address`);
  return address;
}

/** What the plugin says of the way into the sandbox, and out of it. */
export interface JoinAnswer {
  /** Name of the interface on the host; "": the endpoint has none. */
  readonly source: string;
  readonly interfacePrefix: string;
  readonly gateway: string;
  readonly ipv6Gateway: string;
  readonly routes: readonly LinkRoute[];
}

const LONGEST_PREFIX = 12;
const MOST_ROUTES = 1000;
const NEXT_HOP = 0;
const CONNECTED = 1;

/** `addresses`: all that the endpoint has, with the lengths of their prefixes. */
export function readJoin(answer: Decoded<typeof decodeJoin>, addresses: readonly string[]): JoinAnswer {
  const { SrcName: source = "", DstPrefix: prefix = "", DstName: name = "" } = answer.InterfaceName ?? {};
  const interfacePrefix = prefix || "eth";
  if (name !== "")
    throw systemError(`the plugin names the interface ${name} in the sandbox, which is not supported`);
  if (!isNamePart(interfacePrefix) || interfacePrefix.length > LONGEST_PREFIX)
    throw systemError(`failed to set interface name: ${interfacePrefix} cannot begin a name of an interface`);
  if (source !== "" && !isNamePart(source)) throw systemError(`${source} cannot be the name of an interface`);
  const routes = readRoutes(answer.StaticRoutes ?? []);
  const near = [
    ...addresses,
    ...routes.filter(({ gateway }) => gateway === "").map(({ destination }) => destination),
  ];
  const gateway = readGateway("Gateway", answer.Gateway, near);
  const ipv6Gateway = readGateway("GatewayIPv6", answer.GatewayIPv6, near);
  for (const { gateway: hop } of routes) if (hop !== "") refuseFar(hop, near);
  if (source === "" && (gateway !== "" || ipv6Gateway !== "" || routes.length > 0))
    throw systemError("the plugin tells a route, and no interface that it could lead by");
  return { source, interfacePrefix, gateway, ipv6Gateway, routes };
}

const isNamePart = (text: string): boolean =>
  text.length <= 15 && /^[\x21-\x7e]+$/.test(text) && !/[/:%]/.test(text) && text !== "." && text !== "..";

function readGateway(field: "Gateway" | "GatewayIPv6", text = "", near: readonly string[]): string {
  if (text === "") return "";
  const address = findAddress(text);
  if (address?.family !== (field === "Gateway" ? 4 : 6))
    throw systemError(`unable to parse ${field} "${text}"`);
  refuseFar(text, near);
  return formatAddress(address);
}

/** The kernel would not send there. */
function refuseFar(gateway: string, near: readonly string[]): void {
  const address = findAddress(gateway);
  const isNear = near.some((text) => {
    const prefix = findPrefix(text);
    return address !== undefined && prefix !== undefined && holds(subnetOf(prefix), address);
  });
  if (!isNear) throw systemError(`gateway ${gateway} is on no network that the endpoint is on`);
}

function readRoutes(told: NonNullable<Decoded<typeof decodeJoin>["StaticRoutes"]>): readonly LinkRoute[] {
  if (told.length > MOST_ROUTES)
    throw systemError(`the plugin tells ${told.length} routes, over ${MOST_ROUTES}`);
  return told
    .map(({ Destination = "", RouteType = NEXT_HOP, NextHop = "" }) => {
      const destination = findPrefix(Destination);
      if (destination === undefined) throw systemError(`invalid CIDR address: ${Destination}`);
      if (RouteType !== NEXT_HOP && RouteType !== CONNECTED)
        throw systemError(`the plugin tells a route of type ${RouteType}, which there is not`);
      if (RouteType === CONNECTED) return { destination: formatPrefix(subnetOf(destination)), gateway: "" };
      if (findAddress(NextHop)?.family !== destination.family)
        throw systemError(`failed to parse nexthop IP ${NextHop}`);
      return { destination: formatPrefix(subnetOf(destination)), gateway: NextHop };
    })
    .sort((one, other) => Number(one.gateway !== "") - Number(other.gateway !== "")); // what others lead through first
}
