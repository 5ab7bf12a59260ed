// The driver "overlay": one Ethernet for containers of several engines, wrapped in UDP (vxlan) between them. The engines are told of
// each other; nobody tells them where a container is: each learns from the frames that come, and sends to all what it has not learned yet.
//
//   a namespace of the network's own                       the host's
//     container -- veth -- bridge -- vxlan  - - - - - - - - UDP - - - - - - - - -> the other engines
//
// The host has no part in it: no address, no route, no rule. What the link sends goes through the namespace that it was made in.

import { access, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { wordsOf } from "#base/errno-words.ts";
import { EngineError, invalid, systemError } from "#base/errors.ts";
import { formatAddress } from "#formats/ip-prefix.ts";
import { decodeMessages, NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { decodeAddress, dumpAddresses } from "#formats/rtnetlink/addresses.ts";
import {
  changeLink,
  createBridge,
  createVeth,
  decodeLink,
  deleteLink,
  dumpLinks,
} from "#formats/rtnetlink/links.ts";
import { floodTo } from "#formats/rtnetlink/neighbours.ts";
import { createVxlan } from "#formats/rtnetlink/virtual-links.ts";
import { type Executor, PlanError, type PlanResult } from "#kernel/plan/executor.ts";
import { type Op, type Plan, SLOT_BASE } from "#kernel/plan/ops.ts";
import { vethNames } from "../endpoint-values.ts";
import { isIpv6, type NetworkRecord, type NetworkSpec } from "../network-spec.ts";
import { SANDBOX_SLOT, writeSysctl } from "../sandbox-plan.ts";
import { type DriverNetwork, LINK_WHY, type LinkPlace, type LinkPlan, type NetworkDriver } from "./driver.ts";
import { type OverlayOptions, readOverlayOptions } from "./overlay-options.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY = 0;
const MNT_DETACH = 2;
const ENODEV = 19;
/** The host's namespace and the network's own: slots that no other step of a sandbox's plan uses. */
const HOST_SLOT = 8;
const OWN_SLOT = 9;
/** Numbers of the links in the network's own namespace. Older kernels look for them in the host's, too, before they make a link there. */
const BRIDGE_INDEX = 1_900_000_000;
const VXLAN_INDEX = 1_900_000_001;
const VXLAN_NAME = "vxlan0";
const NAMESPACE = "/proc/self/ns/net";

const never = new AbortController().signal;

export interface OverlayDeps {
  readonly executor: Pick<Executor, "run">;
  /** Where namespaces are bound. */
  readonly execRoot: string;
}

const netlink = (why: string, messages: readonly Uint8Array[], ignoreErrno: readonly number[] = []): Op => ({
  op: "netlink",
  why,
  protocol: NETLINK_ROUTE,
  messages,
  ignoreErrno,
});
const open = (path: string, slot: number): Op => ({
  op: "open",
  why: "namespace",
  path,
  flags: O_RDONLY,
  slot,
});
const enter = (slot: number): Op => ({ op: "setns", why: "namespace", slot, flags: CLONE_NEWNET });

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
    const opened = new OverlayNetwork(this.#deps, network, readOverlayOptions(network, this.#mtu));
    await opened.repair();
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
  readonly #subnet: string;
  readonly #path: string;

  constructor(deps: OverlayDeps, { id, pools }: NetworkRecord, options: OverlayOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#subnet = pools[0]?.subnet ?? "";
    this.#path = join(deps.execRoot, "overlay", id.slice(0, 12));
  }

  planLink({ endpoint, interfaceIndex, hostIndex, attempt }: LinkPlace): LinkPlan {
    const { mtu } = this.#options;
    const { interfaceName, macAddress, endpointId } = endpoint;
    const peer = {
      index: interfaceIndex,
      name: interfaceName,
      macAddress,
      mtu,
      netnsFd: SLOT_BASE + SANDBOX_SLOT,
    };
    const name = vethNames(endpointId)[attempt];
    if (name === undefined) throw new Error(`no free name for the interface of endpoint ${endpointId}`);
    const own = { name, master: BRIDGE_INDEX, mtu, up: true };
    const pair = createVeth(hostIndex === undefined ? own : { ...own, index: hostIndex }, peer);
    return {
      host: [
        open(NAMESPACE, HOST_SLOT),
        open(this.#path, OWN_SLOT),
        enter(OWN_SLOT),
        netlink(`${LINK_WHY}veth ${name}`, [pair]),
        enter(HOST_SLOT),
      ],
    };
  }

  async repair(): Promise<void> {
    if (await this.#isWhole()) return;
    await this.close();
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    try {
      await this.#deps.executor.run(this.#planMaking(await this.#otherEngines()), never);
    } catch (error) {
      await this.close();
      if (!(error instanceof PlanError)) throw error;
      throw systemError(
        `vxlan interface creation failed for subnet "${this.#subnet}": ${wordsOf(error.code)}`,
        { cause: error },
      );
    }
  }

  async #isWhole(): Promise<boolean> {
    if (!(await exists(this.#path))) return false;
    try {
      const found = await this.#deps.executor.run(
        [open(this.#path, OWN_SLOT), enter(OWN_SLOT), netlink("list interfaces", [dumpLinks()])],
        never,
      );
      const links = repliesOf(found).map(decodeLink);
      const vxlan = links.find((link) => link?.index === VXLAN_INDEX);
      return vxlan?.kind === "vxlan" && vxlan.master === BRIDGE_INDEX;
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      return false; // nothing is bound there
    }
  }

  /** Frames that an engine sent to itself would come back as another's. */
  async #otherEngines(): Promise<readonly string[]> {
    const found = await this.#deps.executor.run([netlink("list addresses", [dumpAddresses()])], never);
    const own = repliesOf(found).flatMap((reply) => decodeAddress(reply)?.address ?? []);
    return this.#options.peers.filter((peer) => !own.some((address) => formatAddress(address) === peer));
  }

  #planMaking(engines: readonly string[]): Plan {
    const { mtu, vxlanId, port, local } = this.#options;
    const vxlan = { index: VXLAN_INDEX, name: VXLAN_NAME, mtu, netnsFd: SLOT_BASE + OWN_SLOT };
    return [
      open(NAMESPACE, HOST_SLOT),
      { op: "unshare", why: "namespace", flags: CLONE_NEWNET },
      open(NAMESPACE, OWN_SLOT),
      { op: "touch", why: "namespace", path: this.#path, mode: 0o444 },
      { op: "bind", why: "namespace", sourceSlot: OWN_SLOT, target: this.#path, recursive: false },
      writeSysctl("net/ipv6/conf/all/disable_ipv6", "1"),
      netlink("bridge", [createBridge({ index: BRIDGE_INDEX, name: "br0", mtu, up: true })]),
      enter(HOST_SLOT),
      netlink("vxlan", [createVxlan(vxlan, { id: vxlanId, port, local })]),
      enter(OWN_SLOT),
      netlink("vxlan", [
        changeLink({ index: VXLAN_INDEX, master: BRIDGE_INDEX, up: true }),
        ...engines.map((engine) => floodTo(VXLAN_INDEX, engine)),
      ]),
    ];
  }

  rest(): Promise<void> {
    return this.close();
  }

  /** The link first: its id is free at once then, whenever the kernel removes the namespace. */
  async close(): Promise<void> {
    if (!(await exists(this.#path))) return;
    const { executor } = this.#deps;
    try {
      await executor.run(
        [open(this.#path, OWN_SLOT), enter(OWN_SLOT), netlink("vxlan", [deleteLink(VXLAN_NAME)], [ENODEV])],
        never,
      );
    } catch (error) {
      if (!(error instanceof PlanError)) throw error; // nothing is bound there
    }
    await executor.run(
      [
        { op: "umount", why: "namespace", target: this.#path, flags: MNT_DETACH, mayFail: true },
        { op: "unlink", why: "namespace", path: this.#path, missingOk: true },
      ],
      never,
    );
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const repliesOf = (result: PlanResult) =>
  [...result.values()].flat().flatMap((bytes) => decodeMessages(bytes));
