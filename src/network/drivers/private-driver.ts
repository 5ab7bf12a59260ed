// Networks that the host does not see: the bridge is in a network namespace of the engine's own. Nothing on the host is changed for them,
// neither an interface nor an address, a route, a rule or a setting. Their containers reach each other, by names too, and nobody else.

import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unsupported } from "#base/errors.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { NetworkRecord, NetworkSpec } from "../network-spec.ts";
import { KnownOwners } from "./announcement.ts";
import { readMtu } from "./bridge-options.ts";
import type { DriverNetwork, LinkPlace, LinkPlan, NetworkDriver } from "./driver.ts";
import {
  BRIDGE_INDEX,
  linksInside,
  planOwnNamespace,
  planOwnPair,
  removeNamespace,
} from "./own-namespace.ts";

export interface PrivateDriverDeps {
  readonly executor: Pick<Executor, "run">;
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

  needsGateway(): boolean {
    return false;
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

  #network({ id, options }: NetworkRecord): PrivateNetwork {
    const path = join(this.#deps.execRoot, "private", id.slice(0, 12));
    return new PrivateNetwork(this.#deps.executor, path, readMtu(options, this.#mtu));
  }
}

class PrivateNetwork implements DriverNetwork {
  readonly publishes = false;
  readonly hasLink = true;
  readonly interfacePrefix = "eth";
  readonly hostBinding = "";
  readonly exit = "none";
  readonly lingers = true;
  readonly #executor: PrivateDriverDeps["executor"];
  readonly #path: string;
  readonly #mtu: number;
  readonly #owners = new KnownOwners();

  constructor(executor: PrivateDriverDeps["executor"], path: string, mtu: number) {
    this.#executor = executor;
    this.#path = path;
    this.#mtu = mtu;
  }

  planLink(place: LinkPlace): LinkPlan {
    return planOwnPair(this.#path, this.#mtu, place, this.#owners.replace(place.endpoint));
  }

  /** The namespace lives as long as it is bound; after a start of the machine it is made anew. */
  async repair(): Promise<void> {
    const links = await linksInside(this.#executor, this.#path);
    if (links.some(({ index }) => index === BRIDGE_INDEX)) return;
    await this.close();
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    try {
      await this.#executor.run(planOwnNamespace(this.#path, this.#mtu), never);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  rest(): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    await removeNamespace(this.#executor, this.#path);
  }
}
