// Tells neighbours that an address has another MAC address than they may know: who has it remembered would send to its last owner for half a
// minute. The kernel does it (arp_notify, ndisc_notify) when an interface has its MAC address set, even if that is the one that it has.

import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { changeLink, getLink } from "#formats/rtnetlink/links.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Endpoint } from "../controller.ts";
import { macOf } from "../endpoint-values.ts";
import { SANDBOX_SLOT } from "../sandbox-plan.ts";
import type { LinkPlace } from "./driver.ts";

const CLONE_NEWNET = 0x40000000;

export const enterNamespace = (slot: number): Op => ({
  op: "setns",
  why: "namespace",
  slot,
  flags: CLONE_NEWNET,
});

const attempt = (message: Uint8Array): Op => ({
  op: "netlink",
  why: "announce addresses",
  protocol: NETLINK_ROUTE,
  messages: [message],
  mayFail: true,
});

/** Of an interface that has its MAC address from us. */
export const planAnnouncement = ({ interfaceIndex, endpoint: { macAddress } }: LinkPlace): Plan => [
  attempt(changeLink({ index: interfaceIndex, macAddress })),
];

/** Of one end of a pair whose other end is the port `name` of a bridge. `entry` leads to the bridge's namespace. The bridge passes nothing on
 *  until the kernel has found out that the pair is connected, which it does before it tells of the port. */
export const planPortAnnouncement = (place: LinkPlace, entry: Plan, name: string): Plan => [
  ...entry,
  attempt(getLink(name)),
  enterNamespace(SANDBOX_SLOT),
  ...planAnnouncement(place),
];

interface Owner {
  readonly endpointId: string;
  readonly macAddress: string;
  readonly isOther: boolean;
}

/** Of one network. Long before so many more addresses have come, neighbours have asked anew. */
const MOST_KNOWN = 1024;

/** The MAC addresses that neighbours on one network may know. */
export class KnownOwners {
  readonly #owners = new Map<string, Owner>();

  /** Whether an address of the endpoint has another MAC address than its last owner. After a restart nobody knows whose that was: then one that
   *  does not follow from the IPv4 address counts as another. The same endpoint is told the same again. */
  replace(endpoint: Pick<Endpoint, "endpointId" | "macAddress" | "ipv4" | "ipv6">): boolean {
    const { endpointId, macAddress, ipv4, ipv6 = "" } = endpoint;
    const owners = [ipv4, ipv6]
      .filter((address) => address !== "")
      .map((address): Owner => {
        const known = this.#owners.get(address);
        if (known?.endpointId === endpointId) return known;
        const before = known?.macAddress ?? (address === ipv4 ? macOf(ipv4, endpointId) : undefined);
        const owner = { endpointId, macAddress, isOther: before !== macAddress };
        this.#remember(address, owner);
        return owner;
      });
    return owners.some(({ isOther }) => isOther);
  }

  /** Addresses of a large subnet are given in turn: what is known of them does not grow without end. */
  #remember(address: string, owner: Owner): void {
    this.#owners.delete(address);
    this.#owners.set(address, owner);
    const [oldest] = this.#owners.keys();
    if (this.#owners.size > MOST_KNOWN && oldest !== undefined) this.#owners.delete(oldest);
  }
}
