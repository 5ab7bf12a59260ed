// The plan that opens a sandbox's resolver: its sockets in the sandbox's namespace, and the rules there that lead 127.0.0.11:53 to them.
//
// They are on another port because a container may have a name server of its own, on port 53 of every address. The rules are of a table of
// our own: a container that flushes the tables of iptables keeps its resolver.

import { addressBytes, parseAddress } from "#formats/ip-prefix.ts";
import { DESTINATION_PORT, dnat, fieldIs, loadValue, protocolIs } from "#formats/nftables/expressions.ts";
import {
  addBaseChain,
  addRule,
  addTable,
  flushChain,
  type NftablesMessage,
} from "#formats/nftables/messages.ts";
import { encodeSocketAddress } from "#formats/socket-address.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Give } from "#kernel/zygote/passed-sockets.ts";
import { ipv4 } from "../firewall/families.ts";
import { planRules } from "../sandbox-plan.ts";
import { DNS_PORT } from "./query-sockets.ts";

export const RESOLVER_ADDRESS = "127.0.0.11";
/** The first that is tried: beyond what the kernel gives to those who do not choose. */
export const RESOLVER_PORT = 61_053;

const CLONE_NEWNET = 0x40000000;
const DATAGRAMS_SLOT = 0;
const LISTENER_SLOT = 1;
const TABLE = { family: ipv4.name, name: "gantry-dns" };
const CHAIN = "output";
const TCP = 6;
const UDP = 17;

const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff);

/** What is left of an earlier daemon's goes in the same batch. */
function resolverRules(port: number): readonly NftablesMessage[] {
  const address = addressBytes(parseAddress(RESOLVER_ADDRESS));
  const rule = (protocol: number): readonly Uint8Array[] => [
    ...fieldIs(ipv4.destination, address),
    ...protocolIs(protocol),
    ...fieldIs(DESTINATION_PORT, portBytes(DNS_PORT)),
    loadValue(address),
    loadValue(portBytes(port), 1),
    dnat(ipv4, "given"),
  ];
  return [
    addTable(TABLE),
    addBaseChain(TABLE, CHAIN, { type: "nat", hook: "output", priority: -100 }),
    flushChain(TABLE, CHAIN),
    addRule(TABLE, CHAIN, rule(UDP)),
    addRule(TABLE, CHAIN, rule(TCP)),
  ];
}

/** `path`: of the namespace. Fails with EADDRINUSE if somebody inside has the port. With port 53 there are no rules. */
export function planResolver(path: string, port: number, give: Give): Plan {
  const address = encodeSocketAddress(RESOLVER_ADDRESS, port);
  return [
    { op: "setns", why: "sandbox", path, flags: CLONE_NEWNET },
    { op: "inetSocket", why: "resolver", kind: "datagrams", address, slot: DATAGRAMS_SLOT },
    { op: "inetSocket", why: "resolver", kind: "listener", address, slot: LISTENER_SLOT },
    ...(port === DNS_PORT ? [] : planRules("resolver", resolverRules(port))),
    give(DATAGRAMS_SLOT, "datagrams"),
    give(LISTENER_SLOT, "listener"),
  ];
}
