// Networks on bridges of the host: a veth pair for each endpoint, the rules of the engine's firewall.

import { EngineError } from "#base/errors.ts";
import { overlap, parsePrefix } from "#formats/ip-prefix.ts";
import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { createVeth, isolatePort, setHairpin, silencePort } from "#formats/rtnetlink/links.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { type Plan, SLOT_BASE } from "#kernel/plan/ops.ts";
import { vethNames } from "../endpoint-values.ts";
import type { Firewall } from "../firewall/firewall.ts";
import type { Forwarding } from "../forwarding.ts";
import { familyOfSetting, type SubnetSetting } from "../ipam/check-subnets.ts";
import { linkExists } from "../link-exists.ts";
import { isIpv6, type NetworkRecord, type NetworkSpec } from "../network-spec.ts";
import { SANDBOX_SLOT, writeSysctl } from "../sandbox-plan.ts";
import { KnownOwners, planPortAnnouncement } from "./announcement.ts";
import { makeBridge, removeBridge } from "./bridge-link.ts";
import { type BridgeOptions, readBridgeOptions } from "./bridge-options.ts";
import { type DriverNetwork, LINK_WHY, type LinkPlace, type LinkPlan, type NetworkDriver } from "./driver.ts";
import { refuseEmptyPools } from "./empty-pools.ts";
import { enterHost, openHost } from "./own-namespace.ts";

export interface BridgeDriverDeps {
  readonly executor: Executor;
  readonly rules: Pick<Firewall, "addNetwork" | "removeNetwork">;
  readonly forwarding: Pick<Forwarding, "turnOn" | "turnsOn">;
  /** Published ports are reached by the containers' own addresses, too (--allow-direct-routing). */
  readonly allowsDirect: boolean;
}

const never = new AbortController().signal;
/** The interface was there before its network. */
const FOREIGN = "bridge.foreign";

export class BridgeDriver implements NetworkDriver {
  readonly ipam = "default";
  readonly #deps: BridgeDriverDeps;
  readonly #mtu: number;

  /** `mtu`: of networks that do not say. */
  constructor(deps: BridgeDriverDeps, mtu: number) {
    this.#deps = deps;
    this.#mtu = mtu;
  }

  needsGateway(): boolean {
    return true;
  }

  async prepare(spec: NetworkSpec, id: string): Promise<Readonly<Record<string, string>>> {
    const { name } = readBridgeOptions(spec, id, this.#mtu);
    return (await linkExists(name)) ? { [FOREIGN]: "true" } : {};
  }

  checkConflict(network: NetworkRecord, others: readonly NetworkRecord[]): void {
    refuseEmptyPools(network);
    for (const family of [4, 6])
      if (poolsOf(network, family).length > 1)
        throw new EngineError("forbidden", "bridge driver doesn't support multiple subnets");
    const { name } = readBridgeOptions(network, network.id, this.#mtu);
    for (const other of others) {
      const otherName = readBridgeOptions(other, other.id, this.#mtu).name;
      const why =
        name === otherName
          ? "networks have same bridge name"
          : [4, 6]
              .filter((family) =>
                poolsOf(network, family).some((pool) =>
                  poolsOf(other, family).some((its) => meet(pool, its)),
                ),
              )
              .map((family) => `networks have overlapping IPv${family}`)[0];
      if (why !== undefined)
        throw new EngineError(
          "forbidden",
          `cannot create network ${network.id} (${name}): conflicts with network ${other.id} (${otherName}): ${why}`,
        );
    }
  }

  async open(network: NetworkRecord): Promise<DriverNetwork> {
    const options = readBridgeOptions(network, network.id, this.#mtu);
    const bridge = new BridgeNetwork(this.#deps, network, options);
    try {
      await bridge.repair();
      await this.#deps.rules.addNetwork(bridge.firewall());
    } catch (error) {
      await bridge.close();
      throw error;
    }
    return bridge;
  }

  async clear(network: NetworkRecord): Promise<void> {
    const options = readBridgeOptions(network, network.id, this.#mtu);
    await new BridgeNetwork(this.#deps, network, options).close();
  }
}

const poolsOf = ({ pools }: NetworkRecord, family: number): readonly SubnetSetting[] =>
  pools.filter((pool) => familyOfSetting(pool) === family);

const meet = ({ subnet: one = "" }: SubnetSetting, { subnet: other = "" }: SubnetSetting): boolean =>
  overlap(parsePrefix(one), parsePrefix(other));

class BridgeNetwork implements DriverNetwork {
  readonly publishes: boolean;
  readonly hasLink = true;
  readonly interfacePrefix: string;
  readonly hostBinding: string;
  readonly routed: { readonly ipv4: boolean; readonly ipv6: boolean };
  readonly exit: "gateway" | "none";
  readonly #deps: BridgeDriverDeps;
  readonly #network: NetworkRecord;
  readonly #options: BridgeOptions;
  readonly #owners = new KnownOwners();
  #link = { index: 0, hairpin: false };

  constructor(deps: BridgeDriverDeps, network: NetworkRecord, options: BridgeOptions) {
    this.#deps = deps;
    this.#network = network;
    this.#options = options;
    this.publishes = !network.internal;
    this.exit = network.internal ? "none" : "gateway";
    this.hostBinding = options.hostBinding;
    const { ipv4, ipv6 } = options.gatewayMode;
    this.routed = { ipv4: ipv4 === "routed", ipv6: ipv6 === "routed" };
    this.interfacePrefix = options.interfacePrefix;
  }

  firewall() {
    const { icc, masquerade, gatewayMode, hostAddress, trustedInterfaces, name } = this.#options;
    const { id, internal, pools } = this.#network;
    const subnets = pools.flatMap(({ subnet }) => subnet ?? []);
    return {
      ...{ id, bridge: name, subnets, internal, icc, masquerade },
      ...{ gatewayMode, hostAddress, trustedInterfaces, direct: this.#deps.allowsDirect },
    };
  }

  planLink(place: LinkPlace): LinkPlan {
    const { endpoint, interfaceIndex, hostIndex, attempt, predecessor } = place;
    const { mtu, icc } = this.#options;
    const hostName = vethNames(endpoint.endpointId)[attempt];
    if (hostName === undefined)
      throw new Error(`no free name for the interface of endpoint ${endpoint.endpointId}`);
    const { index: master, hairpin } = this.#link;
    const pair = createVeth(
      { name: hostName, master, mtu, up: true, ...(hostIndex !== undefined && { index: hostIndex }) },
      {
        index: interfaceIndex,
        name: endpoint.interfaceName,
        macAddress: endpoint.macAddress,
        mtu,
        netnsFd: SLOT_BASE + SANDBOX_SLOT,
      },
    );
    const announces = this.#owners.replace(endpoint);
    const host: Plan = [
      ...(announces ? [openHost] : []),
      ...planSilence(predecessor),
      {
        op: "netlink",
        why: `${LINK_WHY}veth ${hostName}`,
        protocol: NETLINK_ROUTE,
        messages: [
          pair,
          ...(hairpin ? [setHairpin(hostName, true)] : []),
          ...(icc ? [] : [isolatePort(hostName)]),
        ],
      },
      // The host must not learn routes from a container: CVE-2020-13401.
      writeSysctl(`net/ipv6/conf/${hostName}/accept_ra`, "0"),
    ];
    return {
      host,
      hostName,
      ...(announces && { announcement: planPortAnnouncement(place, [enterHost], hostName) }),
    };
  }

  async repair(): Promise<void> {
    const { name, mtu, inhibitIpv4, gatewayMode } = this.#options;
    const hasNone = (gateway: string): boolean =>
      isIpv6(gateway) ? gatewayMode.ipv6 === "isolated" : gatewayMode.ipv4 === "isolated" || inhibitIpv4;
    const addresses = this.#network.pools.flatMap(({ gateway = "", subnet = "" }) =>
      gateway === "" || hasNone(gateway) ? [] : [`${gateway}/${parsePrefix(subnet).length}`],
    );
    // Before the bridge: it is none of the interfaces that were there.
    const { executor, forwarding } = this.#deps;
    await forwarding.turnOn(4);
    if (addresses.some(isIpv6)) await forwarding.turnOn(6);
    this.#link = await makeBridge(executor, { name, mtu, addresses, forwards: forwarding.turnsOn }, never);
  }

  async close(): Promise<void> {
    const isOurs = this.#network.facts[FOREIGN] === undefined;
    if (isOurs) await removeBridge(this.#deps.executor, this.#options.name, never);
    await this.#deps.rules.removeNetwork(this.#network.id);
  }
}

/** An old namespace that still answers for an address would draw its successor's traffic away. */
const planSilence = (hostName: string | undefined): Plan =>
  hostName === undefined
    ? []
    : [
        {
          op: "netlink",
          why: "previous owner of the address",
          protocol: NETLINK_ROUTE,
          messages: [silencePort(hostName)],
          mayFail: true,
        },
      ];
