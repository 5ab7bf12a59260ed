// The interface of a bridge network on the host. Made once, taken over by the next daemon, repaired at need.

import { systemError } from "#base/errors.ts";
import { decodeMessages, NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { addAddress } from "#formats/rtnetlink/addresses.ts";
import { changeLink, createBridge, decodeLink, getLink } from "#formats/rtnetlink/links.ts";
import type { Executor, PlanResult } from "#kernel/plan/executor.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { randomMac } from "../endpoint-values.ts";
import { isIpv6 } from "../network-spec.ts";
import { planLinkRemoval, writeSysctl } from "../sandbox-plan.ts";

const EEXIST = 17;
const ENODEV = 19;

export interface BridgeWish {
  readonly name: string;
  readonly mtu: number;
  /** With the lengths of their prefixes. */
  readonly addresses: readonly string[];
  /** The host forwards between it and others. */
  readonly forwards: boolean;
}

export interface BridgeLink {
  readonly index: number;
  /** Ports must send frames back to where they came from. */
  readonly hairpin: boolean;
}

/** Makes the interface, or what is missing of it. Throws `system` if an interface of another kind has its name. */
export async function makeBridge(
  executor: Pick<Executor, "run">,
  { name, mtu, addresses, forwards }: BridgeWish,
  signal: AbortSignal,
): Promise<BridgeLink> {
  const netlink = (messages: readonly Uint8Array[]): Op => ({
    op: "netlink",
    why: `bridge ${name}`,
    protocol: NETLINK_ROUTE,
    messages,
    ignoreErrno: [EEXIST],
  });
  const found = await executor.run(
    [
      netlink([createBridge({ name, macAddress: randomMac(), mtu })]),
      netlink([getLink(name)]),
      // With br_netfilter a redirected frame goes back to its own port inside the bridge, which needs hairpin mode.
      {
        op: "read",
        why: "br_netfilter",
        path: "/proc/sys/net/bridge/bridge-nf-call-iptables",
        missingOk: true,
      },
    ],
    signal,
  );
  const link = linksOf(found, 1).find((other) => other.name === name);
  if (link === undefined) throw systemError(`bridge ${name} is gone`);
  if (link.kind !== "bridge") throw systemError(`existing interface ${name} is not a bridge`);
  await executor.run(
    [
      writeSysctl(`net/ipv6/conf/${name}/accept_ra`, "0"),
      // Connections of the host to 127.0.0.1:port are redirected into the bridge; the rules keep outsiders away from 127/8.
      writeSysctl(`net/ipv4/conf/${name}/route_localnet`, "1"),
      ...(forwards ? planForwarding(addresses.some(isIpv6)) : []),
      netlink([
        ...addresses.map((address) => addAddress(link.index, address)),
        changeLink({ index: link.index, up: true }),
      ]),
    ],
    signal,
  );
  return {
    index: link.index,
    hairpin:
      Buffer.from(found.get(2)?.[0] ?? [])
        .toString()
        .trim() === "1",
  };
}

/** Forwarding is on, but for engines that have ended meanwhile: forwarding.ts. */
const planForwarding = (hasIpv6: boolean): Plan => [
  writeSysctl("net/ipv4/ip_forward", "1"),
  ...(hasIpv6 ? [writeSysctl("net/ipv6/conf/all/forwarding", "1")] : []),
];

/** Nothing if there is none, or an interface of another kind, which is somebody else's. */
export async function removeBridge(
  executor: Pick<Executor, "run">,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const look: Op = {
    op: "netlink",
    why: `bridge ${name}`,
    protocol: NETLINK_ROUTE,
    messages: [getLink(name)],
    ignoreErrno: [ENODEV],
  };
  const [link] = linksOf(await executor.run([look], signal), 0);
  if (link?.kind === "bridge") await executor.run(planLinkRemoval([name]), signal);
}

const linksOf = (result: PlanResult, operation: number) =>
  (result.get(operation) ?? [])
    .flatMap((bytes) => decodeMessages(bytes))
    .map(decodeLink)
    .filter((link) => link !== undefined);
