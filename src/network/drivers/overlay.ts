// The driver "overlay": one Ethernet for containers of several engines, wrapped in UDP (vxlan) between them. The engines are told of
// each other; nobody tells them where a container is: each learns from the frames that come, and sends to all what it has not learned yet.
//
//   a namespace of the network's own                       the host's
//     container -- veth -- bridge -- vxlan  - - - - - - - - UDP - - - - - - - - -> the other engines
//
// The host has no part in it: no address, no route, no rule. What the link sends goes through the namespace that it was made in.

import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { wordsOf } from "#base/errno-words.ts";
import { EngineError, invalid, systemError } from "#base/errors.ts";
import { Lock } from "#base/lock.ts";
import { formatAddress } from "#formats/ip-prefix.ts";
import { decodeAddress, dumpAddresses } from "#formats/rtnetlink/addresses.ts";
import { changeLink } from "#formats/rtnetlink/links.ts";
import { floodTo } from "#formats/rtnetlink/neighbours.ts";
import { createVxlan } from "#formats/rtnetlink/virtual-links.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Firewall } from "../firewall/firewall.ts";
import { isIpv6, type NetworkRecord, type NetworkSpec } from "../network-spec.ts";
import { planLinkRemoval } from "../sandbox-plan.ts";
import { KnownOwners } from "./announcement.ts";
import { refuseUnheard } from "./bridge-options.ts";
import type { DriverNetwork, LinkPlace, LinkPlan, NetworkDriver } from "./driver.ts";
import { type OverlayOptions, readOverlayOptions } from "./overlay-options.ts";
import {
  BRIDGE_INDEX,
  enterHost,
  enterOwn,
  linksInside,
  netlink,
  OWN_NAMESPACE_FD,
  planOwnNamespace,
  planOwnPair,
  removeNamespace,
  runInside,
} from "./own-namespace.ts";

const VXLAN_INDEX = BRIDGE_INDEX + 1;
const VXLAN_NAME = "vxlan0";

const never = new AbortController().signal;

export interface OverlayDeps {
  readonly executor: Pick<Executor, "run">;
  readonly rules: Pick<Firewall, "reserve" | "release">;
  /** Where namespaces are bound. */
  readonly execRoot: string;
}

export class OverlayDriver implements NetworkDriver {
  readonly ipam = "default";
  readonly #deps: OverlayDeps;
  readonly #mtu: number;

  /** `mtu`: of the links between the engines. */
  constructor(deps: OverlayDeps, mtu: number) {
    this.#deps = deps;
    this.#mtu = mtu;
  }

  needsGateway(): boolean {
    return false;
  }

  async prepare(spec: NetworkSpec): Promise<NetworkRecord["facts"]> {
    refuseUnheard(spec.options);
    readOverlayOptions(spec, this.#mtu);
    const given = (ipv6: boolean) =>
      spec.ipam.config.some(({ subnet }) => subnet !== undefined && isIpv6(subnet) === ipv6);
    if ((spec.enableIpv4 && !given(false)) || (spec.enableIpv6 && !given(true)))
      throw invalid(
        "an overlay network needs --subnet, the same on all of its engines, and an --ip-range on each",
      );
    return {};
  }

  checkConflict(network: NetworkRecord, others: readonly NetworkRecord[]): void {
    const { vxlanId, port } = readOverlayOptions(network, this.#mtu);
    for (const other of others) {
      const its = readOverlayOptions(other, this.#mtu);
      if (its.vxlanId === vxlanId && its.port === port)
        throw new EngineError("forbidden", `network ${other.name} has vxlan id ${vxlanId} at port ${port}`);
    }
  }

  async open(network: NetworkRecord): Promise<DriverNetwork> {
    const options = readOverlayOptions(network, this.#mtu);
    const opened = new OverlayNetwork(this.#deps, network, options);
    await this.#deps.rules.reserve(network.id, options.port);
    try {
      await opened.repair();
    } catch (error) {
      await this.#deps.rules.release(network.id);
      throw error;
    }
    return opened;
  }

  clear(network: NetworkRecord): Promise<void> {
    return new OverlayNetwork(this.#deps, network, readOverlayOptions(network, this.#mtu)).close();
  }
}

class OverlayNetwork implements DriverNetwork {
  readonly publishes = false;
  readonly hasLink = true;
  readonly interfacePrefix = "eth";
  readonly hostBinding = "";
  readonly exit = "none";
  readonly lingers = true;
  readonly #deps: OverlayDeps;
  readonly #options: OverlayOptions;
  readonly #id: string;
  readonly #subnet: string;
  readonly #path: string;
  readonly #repairing = new Lock();
  readonly #owners = new KnownOwners();

  constructor(deps: OverlayDeps, { id, pools }: NetworkRecord, options: OverlayOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#id = id;
    this.#subnet = pools[0]?.subnet ?? "";
    this.#path = join(deps.execRoot, "overlay", id.slice(0, 12));
  }

  planLink(place: LinkPlace): LinkPlan {
    return planOwnPair(this.#path, this.#options.mtu, place, this.#owners.replace(place.endpoint));
  }

  /** Several sandboxes may find something missing at once. */
  async repair(): Promise<void> {
    using _held = await this.#repairing.acquire();
    if (await this.#isWhole()) return;
    await this.rest();
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    try {
      await this.#deps.executor.run(this.#planMaking(await this.#otherEngines()), never);
    } catch (error) {
      await this.rest();
      if (!(error instanceof PlanError)) throw error;
      throw systemError(
        `vxlan interface creation failed for subnet "${this.#subnet}": ${wordsOf(error.code)}`,
        { cause: error },
      );
    }
  }

  async #isWhole(): Promise<boolean> {
    const links = await linksInside(this.#deps.executor, this.#path);
    const vxlan = links.find(({ index }) => index === VXLAN_INDEX);
    return vxlan?.kind === "vxlan" && vxlan.master === BRIDGE_INDEX;
  }

  /** Frames that an engine sent to itself would come back as another's. */
  async #otherEngines(): Promise<readonly string[]> {
    const found = await this.#deps.executor.run([netlink("list addresses", [dumpAddresses()])], never);
    const own = repliesOf(found).flatMap((reply) => decodeAddress(reply)?.address ?? []);
    return this.#options.peers.filter((peer) => !own.some((address) => formatAddress(address) === peer));
  }

  #planMaking(engines: readonly string[]): Plan {
    const { mtu, vxlanId, port, local } = this.#options;
    const vxlan = { index: VXLAN_INDEX, name: VXLAN_NAME, mtu, netnsFd: OWN_NAMESPACE_FD };
    return [
      ...planOwnNamespace(this.#path, mtu),
      enterHost,
      netlink("vxlan", [createVxlan(vxlan, { id: vxlanId, port, local })]),
      enterOwn,
      netlink("vxlan", [
        changeLink({ index: VXLAN_INDEX, master: BRIDGE_INDEX, up: true }),
        ...engines.map((engine) => floodTo(VXLAN_INDEX, engine)),
      ]),
    ];
  }

  /** The link first: its id is free at once then, whenever the kernel removes the namespace. */
  async rest(): Promise<void> {
    const { executor } = this.#deps;
    await runInside(executor, this.#path, planLinkRemoval([VXLAN_NAME]));
    await removeNamespace(executor, this.#path);
  }

  async close(): Promise<void> {
    await this.rest();
    await this.#deps.rules.release(this.#id);
  }
}
