// Networks whose endpoints sit on a link of the host: what macvlan and ipvlan have in common.

import { randomInt } from "node:crypto";
import { systemError } from "#base/errors.ts";
import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { changeLink, deleteLinkAt, type LinkSettings } from "#formats/rtnetlink/links.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { type Plan, SLOT_BASE } from "#kernel/plan/ops.ts";
import type { Endpoint } from "../controller.ts";
import { VETH_NAMES, vethNames } from "../endpoint-values.ts";
import type { NetworkRecord, NetworkSpec } from "../network-spec.ts";
import { SANDBOX_SLOT } from "../sandbox-plan.ts";
import { planAnnouncement } from "./announcement.ts";
import { readMtu, refuseUnheard } from "./bridge-options.ts";
import { type DriverNetwork, LINK_WHY, type LinkPlace, type LinkPlan, type NetworkDriver } from "./driver.ts";
import { refuseEmptyPools } from "./empty-pools.ts";
import { checkParent, ParentLinks } from "./parent-links.ts";

type Options = NetworkSpec["options"];

const ENODEV = 19;

/** What they do not have in common. */
export interface LinkKind {
  readonly name: "macvlan" | "ipvlan";
  /** Names links that lead nowhere, with the id of the network behind it. */
  readonly dummyPrefix: string;
  /** Throws for options that are wrong. */
  check(options: Options): void;
  /** Why two networks cannot have the same parent. */
  conflict(network: NetworkRecord, other: NetworkRecord, parent: string): string | undefined;
  exit(options: Options): "gateway" | "link";
  create(link: LinkSettings, options: Options): Uint8Array;
  /** Its endpoints have the MAC addresses that they are given, not the parent's. */
  ownsMac(options: Options): boolean;
  /** Of an endpoint; throws if what is asked for cannot be. */
  macAddress(wanted: string | undefined): string;
}

/** Facts of a network: its parent, and whether the engine has made that. */
const PARENT = "parent";
const MADE = "parent.made";

export class ParentedDriver implements NetworkDriver {
  readonly ipam = "default";
  readonly #kind: LinkKind;
  readonly #links: ParentLinks;
  readonly #open = new Map<string, NetworkRecord>();

  constructor(executor: Pick<Executor, "run">, kind: LinkKind) {
    this.#kind = kind;
    this.#links = new ParentLinks(executor, kind.name);
  }

  /** Gateways are other machines, which the user names. */
  needsGateway(): boolean {
    return false;
  }

  async prepare({ options }: NetworkSpec, id: string): Promise<NetworkRecord["facts"]> {
    const { name, dummyPrefix, check } = this.#kind;
    const { parent = "" } = options;
    check(options);
    refuseUnheard(options);
    readMtu(options, 0);
    if (parent === "lo") throw systemError(`loopback interface is not a valid ${name} parent link`);
    if (parent === "") return { [PARENT]: `${dummyPrefix}${id.slice(0, 12)}`, [MADE]: "true" };
    const isMade = !(await checkParent(parent)) || this.#usersOf(parent).some(({ facts }) => MADE in facts);
    return { [PARENT]: parent, ...(isMade && { [MADE]: "true" }) };
  }

  checkConflict(network: NetworkRecord, others: readonly NetworkRecord[]): void {
    refuseEmptyPools(network);
    const parent = network.facts[PARENT] ?? "";
    for (const other of others.filter(({ facts }) => facts[PARENT] === parent)) {
      const why = this.#kind.conflict(network, other, parent);
      if (why !== undefined) throw systemError(why);
    }
  }

  async open(network: NetworkRecord): Promise<DriverNetwork> {
    const { facts, options, internal, id } = network;
    const parent = facts[PARENT] ?? "";
    const leadsNowhere = (options.parent ?? "") === "";
    const open = () => this.#links.open(parent, leadsNowhere);
    const opened = new ParentedNetwork(this.#kind, options, {
      exit: internal || leadsNowhere ? "none" : this.#kind.exit(options),
      open,
      close: async () => {
        this.#open.delete(id);
        await this.clear(network);
      },
    });
    await opened.repair();
    this.#open.set(id, network);
    return opened;
  }

  /** The link of the host goes with the last network that sits on it, if the engine has made it. */
  async clear({ facts }: NetworkRecord): Promise<void> {
    const { [PARENT]: parent, [MADE]: made } = facts;
    if (parent !== undefined && made !== undefined && this.#usersOf(parent).length === 0)
      await this.#links.remove(parent);
  }

  #usersOf(parent: string): readonly NetworkRecord[] {
    return [...this.#open.values()].filter(({ facts }) => facts[PARENT] === parent);
  }
}

/** Numbers that no link gets by itself. */
const FIRST_NUMBER = 1_800_000_000;
const NUMBERS = 2 ** 24;

const wishOf = ({ interfaceName, macAddress }: Endpoint) => ({
  name: interfaceName,
  ...(macAddress !== "" && { macAddress }),
});

interface Life {
  readonly exit: DriverNetwork["exit"];
  open(): Promise<number>;
  close(): Promise<void>;
}

class ParentedNetwork implements DriverNetwork {
  readonly publishes = false;
  readonly hasLink = true;
  readonly interfacePrefix = "eth";
  readonly hostBinding = "";
  readonly lingers = true;
  readonly exit: DriverNetwork["exit"];
  readonly macAddress: LinkKind["macAddress"];
  readonly #kind: LinkKind;
  readonly #options: Options;
  readonly #life: Life;
  #parent = 0;
  #viaHost = false;

  constructor(kind: LinkKind, options: Options, life: Life) {
    this.#kind = kind;
    this.#options = options;
    this.#life = life;
    this.exit = life.exit;
    this.macAddress = kind.macAddress;
  }

  planLink(place: LinkPlace): LinkPlan {
    const { endpoint, interfaceIndex, attempt } = place;
    // Older kernels refuse a number for the sandbox that a link of the host has.
    if (attempt > 0) this.#viaHost = true;
    const direct = { ...wishOf(endpoint), index: interfaceIndex, netnsFd: SLOT_BASE + SANDBOX_SLOT };
    return {
      ...(this.#viaHost ? this.#makeAndMove(place) : { host: this.#talk([this.#make(direct)]) }),
      announcement: this.#kind.ownsMac(this.#options) ? planAnnouncement(place) : [],
      acceptsRouters: (endpoint.ipv6Gateway ?? "") === "",
      failure: `failed to create the ${this.#kind.name} port`,
    };
  }

  #make(link: LinkSettings): Uint8Array {
    const mtu = readMtu(this.#options, 0); // 0: as the parent's
    return this.#kind.create({ ...link, parent: this.#parent, ...(mtu > 0 && { mtu }) }, this.#options);
  }

  #talk(messages: readonly Uint8Array[], ignoreErrno: readonly number[] = []): Plan {
    const why = `${LINK_WHY}${this.#kind.name} port`;
    return [{ op: "netlink", why, protocol: NETLINK_ROUTE, messages, ignoreErrno }];
  }

  /** Made with a number and a name that nobody has, then moved with those that it is to have. */
  #makeAndMove({ endpoint, interfaceIndex, attempt }: LinkPlace): Pick<LinkPlan, "host" | "undo"> {
    const { name, ...wish } = wishOf(endpoint);
    const index = FIRST_NUMBER + randomInt(NUMBERS);
    const temporary = vethNames(endpoint.endpointId).at(attempt % VETH_NAMES) ?? "";
    return {
      host: this.#talk([
        this.#make({ ...wish, index, name: temporary }),
        changeLink({ index, name, netnsFd: SLOT_BASE + SANDBOX_SLOT, newIndex: interfaceIndex }),
      ]),
      undo: this.#talk([deleteLinkAt(index)], [ENODEV]),
    };
  }

  async repair(): Promise<void> {
    this.#parent = await this.#life.open();
  }

  close(): Promise<void> {
    return this.#life.close();
  }
}
