// Networks that the host does not see: the bridge is in a network namespace of the engine's own. Nothing on the host is changed for them,
// neither an interface nor an address, a route, a rule or a setting. Their containers reach each other, by names too, and nobody else.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemError, unsupported } from "#base/errors.ts";
import { decodeMessages, NETLINK_ROUTE } from "#formats/netlink/message.ts";
import {
  changeLink,
  createBridge,
  createVeth,
  decodeLink,
  getLink,
  type Link,
} from "#formats/rtnetlink/links.ts";
import { type Executor, PlanError, type PlanResult } from "#kernel/plan/executor.ts";
import { type Op, type Plan, SLOT_BASE } from "#kernel/plan/ops.ts";
import { vethNames } from "../endpoint-values.ts";
import type { NetworkRecord, NetworkSpec } from "../network-spec.ts";
import { planBound, planRemoval, SANDBOX_SLOT } from "../sandbox-plan.ts";
import { readMtu } from "./bridge-options.ts";
import { type DriverNetwork, LINK_WHY, type LinkPlace, type LinkPlan, type NetworkDriver } from "./driver.ts";

export interface PrivateDriverDeps {
  readonly executor: Pick<Executor, "run">;
  /** Where the namespaces are bound, each by its network's id. */
  readonly directory: string;
}

const CLONE_NEWNET = 0x40000000;
const O_RDONLY = 0;
const LOOPBACK_INDEX = 1;
const BRIDGE = "br0";
/** Beside those of the plan that links are made in. */
const HOST_SLOT = 16;
const PRIVATE_SLOT = 17;
const MTU = "com.docker.network.driver.mtu";
const SELF = "/proc/self/ns/net";

const never = new AbortController().signal;

const netlink = (why: string, messages: readonly Uint8Array[]): Op => ({
  op: "netlink",
  why,
  protocol: NETLINK_ROUTE,
  messages,
});

const planEntry = (path: string): Plan => [
  { op: "open", why: "private network", path, flags: O_RDONLY, slot: PRIVATE_SLOT },
  { op: "setns", why: "private network", slot: PRIVATE_SLOT, flags: CLONE_NEWNET },
];

const planCreation = (path: string, mtu: number): Plan => [
  { op: "unshare", why: "private network", flags: CLONE_NEWNET },
  { op: "open", why: "private network", path: SELF, flags: O_RDONLY, slot: PRIVATE_SLOT },
  netlink(`bridge ${BRIDGE}`, [createBridge({ name: BRIDGE, mtu, up: true })]),
  netlink("loopback", [changeLink({ index: LOOPBACK_INDEX, up: true })]),
  // Last: what is bound is complete.
  ...planBound(path, PRIVATE_SLOT),
  netlink("find the bridge", [getLink(BRIDGE)]),
];

export class PrivateDriver implements NetworkDriver {
  readonly ipam = "default";
  readonly #deps: PrivateDriverDeps;
  readonly #mtu: number;

  /** `mtu`: of networks that do not say. */
  constructor(deps: PrivateDriverDeps, mtu: number) {
    this.#deps = deps;
    this.#mtu = mtu;
  }

  needsGateway(): boolean {
    return false;
  }

  async prepare({ options }: NetworkSpec): Promise<Readonly<Record<string, string>>> {
    const other = Object.keys(options).find((name) => name !== MTU);
    if (other !== undefined) throw unsupported(`option ${other} of the driver private`);
    readMtu(options, this.#mtu);
    return {};
  }

  checkConflict(): void {}

  async open(network: NetworkRecord): Promise<DriverNetwork> {
    const opened = new PrivateNetwork(this.#deps, network.id, readMtu(network.options, this.#mtu));
    await mkdir(this.#deps.directory, { recursive: true, mode: 0o700 });
    await opened.repair();
    return opened;
  }

  async clear({ id }: NetworkRecord): Promise<void> {
    await this.#deps.executor.run(planRemoval([join(this.#deps.directory, id)]), never);
  }
}

class PrivateNetwork implements DriverNetwork {
  readonly publishes = false;
  readonly hasLink = true;
  readonly interfacePrefix = "eth";
  readonly hostBinding = "";
  readonly exit = "none";
  readonly #executor: Pick<Executor, "run">;
  readonly #path: string;
  readonly #mtu: number;
  #bridgeIndex = 0;

  constructor({ executor, directory }: PrivateDriverDeps, id: string, mtu: number) {
    this.#executor = executor;
    this.#path = join(directory, id);
    this.#mtu = mtu;
  }

  planLink({ endpoint, interfaceIndex, hostIndex }: LinkPlace): LinkPlan {
    // Nobody else makes interfaces in this namespace: names of endpoints do not meet others there.
    const [name = ""] = vethNames(endpoint.endpointId);
    const pair = createVeth(
      {
        ...{ name, master: this.#bridgeIndex, mtu: this.#mtu, up: true },
        ...(hostIndex !== undefined && { index: hostIndex }),
      },
      {
        index: interfaceIndex,
        name: endpoint.interfaceName,
        macAddress: endpoint.macAddress,
        mtu: this.#mtu,
        netnsFd: SLOT_BASE + SANDBOX_SLOT,
      },
    );
    return {
      host: [
        { op: "open", why: "host network", path: SELF, flags: O_RDONLY, slot: HOST_SLOT },
        ...planEntry(this.#path),
        netlink(`${LINK_WHY}veth ${name}`, [pair]),
        { op: "setns", why: "host network", slot: HOST_SLOT, flags: CLONE_NEWNET },
        { op: "close", why: "private network", slot: PRIVATE_SLOT },
        { op: "close", why: "host network", slot: HOST_SLOT },
      ],
    };
  }

  /** The namespace lives as long as it is bound; after a start of the machine it is made anew. */
  async repair(): Promise<void> {
    const link = (await this.#find()) ?? (await this.#make());
    this.#bridgeIndex = link.index;
  }

  async #find(): Promise<Link | undefined> {
    try {
      const plan = [...planEntry(this.#path), netlink("find the bridge", [getLink(BRIDGE)])];
      return bridgeOf(await this.#executor.run(plan, never));
    } catch (error) {
      if (error instanceof PlanError) return undefined;
      throw error;
    }
  }

  async #make(): Promise<Link> {
    await this.close();
    const link = bridgeOf(await this.#executor.run(planCreation(this.#path, this.#mtu), never));
    if (link === undefined) throw systemError("the bridge of a private network is gone");
    return link;
  }

  async close(): Promise<void> {
    await this.#executor.run(planRemoval([this.#path]), never);
  }
}

const bridgeOf = (result: PlanResult): Link | undefined =>
  [...result.values()]
    .flat()
    .flatMap((bytes) => decodeMessages(bytes))
    .map(decodeLink)
    .find((link) => link?.name === BRIDGE);
