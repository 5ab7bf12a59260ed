// Networks that the host does not see: the bridge is in a network namespace of the engine's own. Nothing on the host is changed for them,
// neither an interface nor an address, a route, a rule or a setting. Their containers reach each other, by names too, and nobody else. What they
// publish is carried by sockets of the daemon, in the host's namespace and in this one: containers see the network's gateway as its source.

import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unsupported } from "#base/errors.ts";
import { Lock } from "#base/lock.ts";
import { parsePrefix } from "#formats/ip-prefix.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { SocketSource } from "#kernel/zygote/passed-sockets.ts";
import { NamespaceSockets } from "../namespace-sockets.ts";
import type { NetworkRecord, NetworkSpec } from "../network-spec.ts";
import { KnownOwners } from "./announcement.ts";
import { readMtu } from "./bridge-options.ts";
import type { DriverNetwork, LinkPlace, LinkPlan, NetworkDriver } from "./driver.ts";
import {
  BRIDGE_INDEX,
  linksInside,
  planOwnAddresses,
  planOwnNamespace,
  planOwnPair,
  removeNamespace,
  runInside,
} from "./own-namespace.ts";

export interface PrivateDriverDeps {
  readonly executor: Pick<Executor, "run">;
  /** Makes the sockets that connections to published ports go on by. */
  readonly sockets: SocketSource;
  /** Where namespaces are bound. */
  readonly execRoot: string;
}

const MTU = "com.docker.network.driver.mtu";
const never = new AbortController().signal;

export class PrivateDriver implements NetworkDriver {
  readonly ipam = "default";
  readonly #deps: PrivateDriverDeps;
  readonly #mtu: number;

  /** `mtu`: of networks that do not say. */
  constructor(deps: PrivateDriverDeps, mtu: number) {
    this.#deps = deps;
    this.#mtu = mtu;
  }

  /** Of the daemon's connections. */
  needsGateway(): boolean {
    return true;
  }

  async prepare({ options }: NetworkSpec): Promise<NetworkRecord["facts"]> {
    const other = Object.keys(options).find((name) => name !== MTU);
    if (other !== undefined) throw unsupported(`option ${other} of the driver private`);
    readMtu(options, this.#mtu);
    return {};
  }

  checkConflict(): void {}

  async open(network: NetworkRecord): Promise<DriverNetwork> {
    const opened = this.#network(network);
    await opened.repair();
    return opened;
  }

  clear(network: NetworkRecord): Promise<void> {
    return this.#network(network).close();
  }

  #network({ id, options, pools, internal }: NetworkRecord): PrivateNetwork {
    const addresses = pools.flatMap(({ gateway = "", subnet = "" }) =>
      gateway === "" ? [] : [`${gateway}/${parsePrefix(subnet).length}`],
    );
    return new PrivateNetwork(this.#deps, {
      path: join(this.#deps.execRoot, "private", id.slice(0, 12)),
      mtu: readMtu(options, this.#mtu),
      addresses,
      internal,
    });
  }
}

interface PrivateWish {
  /** Where its namespace is bound. */
  readonly path: string;
  readonly mtu: number;
  /** Of the bridge, with the lengths of their prefixes. */
  readonly addresses: readonly string[];
  readonly internal: boolean;
}

class PrivateNetwork implements DriverNetwork {
  readonly publishes: boolean;
  readonly sockets: NamespaceSockets;
  readonly hasLink = true;
  readonly interfacePrefix = "eth";
  readonly hostBinding = "";
  readonly exit = "none";
  readonly lingers = true;
  readonly #executor: PrivateDriverDeps["executor"];
  readonly #wish: PrivateWish;
  readonly #repairing = new Lock();
  readonly #owners = new KnownOwners();

  constructor({ executor, sockets }: PrivateDriverDeps, wish: PrivateWish) {
    this.#executor = executor;
    this.#wish = wish;
    this.publishes = !wish.internal && wish.addresses.length > 0;
    this.sockets = new NamespaceSockets(sockets, wish.path);
  }

  planLink(place: LinkPlace): LinkPlan {
    const { path, mtu } = this.#wish;
    return planOwnPair(path, mtu, place, this.#owners.replace(place.endpoint));
  }

  /** The namespace lives as long as it is bound; after a start of the machine it is made anew. Several sandboxes may find it missing at once. */
  async repair(): Promise<void> {
    using _held = await this.#repairing.acquire();
    const { path, mtu, addresses } = this.#wish;
    const links = await linksInside(this.#executor, path);
    if (links.some(({ index }) => index === BRIDGE_INDEX)) {
      await runInside(this.#executor, path, planOwnAddresses(addresses));
      return;
    }
    await removeNamespace(this.#executor, path);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      await this.#executor.run([...planOwnNamespace(path, mtu), ...planOwnAddresses(addresses)], never);
    } catch (error) {
      await removeNamespace(this.#executor, path);
      throw error;
    }
  }

  rest(): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    this.sockets[Symbol.dispose]();
    await removeNamespace(this.#executor, this.#wish.path);
  }
}
