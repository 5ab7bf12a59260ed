// Networks whose endpoints sit on a link of the host: what macvlan and ipvlan have in common.

import { invalid, systemError } from "#base/errors.ts";
import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import type { LinkSettings } from "#formats/rtnetlink/links.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { SLOT_BASE } from "#kernel/plan/ops.ts";
import { isIpv6, type NetworkRecord, type NetworkSpec } from "../network-spec.ts";
import { SANDBOX_SLOT } from "../sandbox-plan.ts";
import { type DriverNetwork, LINK_WHY, type LinkPlace, type LinkPlan, type NetworkDriver } from "./driver.ts";
import { checkParent, ParentLinks } from "./parent-links.ts";

type Options = NetworkSpec["options"];

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
    if (parent === "lo") throw systemError(`loopback interface is not a valid ${name} parent link`);
    if (parent === "") return { [PARENT]: `${dummyPrefix}${id.slice(0, 12)}`, [MADE]: "true" };
    const isMade = !(await checkParent(parent)) || this.#usersOf(parent).some(({ facts }) => MADE in facts);
    return { [PARENT]: parent, ...(isMade && { [MADE]: "true" }) };
  }

  checkConflict(network: NetworkRecord, others: readonly NetworkRecord[]): void {
    for (const family of [4, 6]) {
      const isAsked = family === 4 ? network.enableIpv4 : network.enableIpv6;
      const subnets = network.pools
        .flatMap(({ subnet }) => subnet ?? [])
        .filter((subnet) => isIpv6(subnet) === (family === 6));
      if (isAsked && subnets.every((subnet) => subnet.endsWith("/0")))
        throw invalid(`ipv${family} pool is empty`);
    }
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

  constructor(kind: LinkKind, options: Options, life: Life) {
    this.#kind = kind;
    this.#options = options;
    this.#life = life;
    this.exit = life.exit;
    this.macAddress = kind.macAddress;
  }

  planLink({ endpoint, interfaceIndex }: LinkPlace): LinkPlan {
    const { interfaceName, macAddress } = endpoint;
    const creation = this.#kind.create(
      {
        index: interfaceIndex,
        name: interfaceName,
        parent: this.#parent,
        netnsFd: SLOT_BASE + SANDBOX_SLOT,
        ...(macAddress !== "" && { macAddress }),
      },
      this.#options,
    );
    const why = `${LINK_WHY}${this.#kind.name} port`;
    return {
      host: [{ op: "netlink", why, protocol: NETLINK_ROUTE, messages: [creation] }],
      failure: `failed to create the ${this.#kind.name} port`,
    };
  }

  async repair(): Promise<void> {
    this.#parent = await this.#life.open();
  }

  close(): Promise<void> {
    return this.#life.close();
  }
}
