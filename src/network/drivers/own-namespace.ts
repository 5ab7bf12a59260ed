// A network namespace of a network's own, bound to a path, with a bridge in it that sandboxes are connected to. The host has no part in it:
// no interface, address, route or rule.

import { access } from "node:fs/promises";
import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { addAddress } from "#formats/rtnetlink/addresses.ts";
import { createBridge, createVeth, decodeLink, dumpLinks, type Link } from "#formats/rtnetlink/links.ts";
import { type Executor, PlanError, type PlanResult } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import { type Op, type Plan, SLOT_BASE } from "#kernel/plan/ops.ts";
import { vethNames } from "../endpoint-values.ts";
import { isIpv6 } from "../network-spec.ts";
import { planBound, planRemoval, SANDBOX_SLOT, writeSysctl } from "../sandbox-plan.ts";
import { enterNamespace, planPortAnnouncement } from "./announcement.ts";
import { LINK_WHY, type LinkPlace, type LinkPlan } from "./driver.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY = 0;
/** The host's namespace and the network's own: slots that no other step of a sandbox's plan uses. */
const HOST_SLOT = 8;
const OWN_SLOT = 9;
/** Older kernels look for the number of a link in the host's namespace, too, before they make it elsewhere. */
export const BRIDGE_INDEX = 1_900_000_000;
const BRIDGE = "br0";
const SELF = "/proc/self/ns/net";

const never = new AbortController().signal;

export const netlink = (
  why: string,
  messages: readonly Uint8Array[],
  ignoreErrno: readonly number[] = [],
): Op => ({ op: "netlink", why, protocol: NETLINK_ROUTE, messages, ignoreErrno });

const open = (path: string, slot: number): Op => ({
  op: "open",
  why: "namespace",
  path,
  flags: O_RDONLY,
  slot,
});

/** Files of the own namespace's, for links that are made outside of it. */
export const OWN_NAMESPACE_FD = SLOT_BASE + OWN_SLOT;
export const openHost = open(SELF, HOST_SLOT);
export const enterHost = enterNamespace(HOST_SLOT);
export const enterOwn = enterNamespace(OWN_SLOT);

/** Makes namespace and bridge. The process is in it at the end, and can change over by `enterHost` and `enterOwn`. */
export const planOwnNamespace = (path: string, mtu: number): Plan => [
  openHost,
  { op: "unshare", why: "namespace", flags: CLONE_NEWNET },
  open(SELF, OWN_SLOT),
  ...planBound(path, OWN_SLOT),
  writeSysctl("net/ipv6/conf/all/disable_ipv6", "1"),
  netlink("bridge", [createBridge({ index: BRIDGE_INDEX, name: BRIDGE, mtu, up: true })]),
];

const EEXIST = 17;

/** Gives the bridge addresses, with the lengths of their prefixes; the process is in the namespace. Those that it has already are kept. */
export const planOwnAddresses = (addresses: readonly string[]): Plan => [
  ...(addresses.some(isIpv6)
    ? (["disable_ipv6", "accept_dad", "accept_ra"] as const).map((name) =>
        writeSysctl(`net/ipv6/conf/${BRIDGE}/${name}`, "0"),
      )
    : []),
  ...(addresses.length === 0
    ? []
    : [
        netlink(
          "addresses",
          addresses.map((address) => addAddress(BRIDGE_INDEX, address)),
          [EEXIST],
        ),
      ]),
];

/** Connects a sandbox to the bridge. `hasMoved`: neighbours may know another MAC address for an address of the endpoint. */
export function planOwnPair(path: string, mtu: number, place: LinkPlace, hasMoved: boolean): LinkPlan {
  const { endpoint, interfaceIndex, hostIndex, attempt } = place;
  const { interfaceName, macAddress, endpointId } = endpoint;
  const name = vethNames(endpointId)[attempt];
  if (name === undefined) throw new Error(`no free name for the interface of endpoint ${endpointId}`);
  const own = { name, master: BRIDGE_INDEX, mtu, up: true };
  const pair = createVeth(hostIndex === undefined ? own : { ...own, index: hostIndex }, {
    index: interfaceIndex,
    name: interfaceName,
    macAddress,
    mtu,
    netnsFd: SLOT_BASE + SANDBOX_SLOT,
  });
  return {
    host: [openHost, open(path, OWN_SLOT), enterOwn, netlink(`${LINK_WHY}veth ${name}`, [pair]), enterHost],
    ...(hasMoved && { announcement: planPortAnnouncement(place, [open(path, OWN_SLOT), enterOwn], name) }),
  };
}

type Runs = Pick<Executor, "run">;

/** Runs a plan within the namespace; undefined if nothing is bound to the path, or the plan fails. */
export async function runInside(executor: Runs, path: string, plan: Plan): Promise<PlanResult | undefined> {
  if (!(await exists(path))) return undefined;
  try {
    return await executor.run([open(path, OWN_SLOT), enterOwn, ...plan], never);
  } catch (error) {
    if (error instanceof PlanError) return undefined;
    throw error;
  }
}

/** The links in it; none if nothing is bound to the path. */
export async function linksInside(executor: Runs, path: string): Promise<readonly Link[]> {
  const found = await runInside(executor, path, [netlink("list interfaces", [dumpLinks()])]);
  return found === undefined
    ? []
    : repliesOf(found)
        .map(decodeLink)
        .filter((link) => link !== undefined);
}

/** Nothing if it is not there. */
export async function removeNamespace(executor: Runs, path: string): Promise<void> {
  if (await exists(path)) await executor.run(planRemoval([path]), never);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
