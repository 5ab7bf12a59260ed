// The names of all endpoints, by network. As with Docker, a sandbox finds a neighbour by its names, or by one of them and the network's
// ("web.net1"), or by an alias of its own for a neighbour's name (a link).

import type { NameDirectory } from "./names.ts";

export interface NamedEndpoint {
  readonly networkId: string;
  readonly networkName: string;
  /** The first one is what its address is called. */
  readonly names: readonly string[];
  /** What only this sandbox calls others: their names by its aliases. */
  readonly links: Readonly<Record<string, string>>;
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

interface NetworkNames {
  readonly byName: Map<string, Set<NamedEndpoint>>;
  readonly byAddress: Map<string, NamedEndpoint>;
}

type Addresses = NonNullable<ReturnType<NameDirectory["forward"]>>;

const key = (name: string): string => name.toLowerCase();
const keysOf = ({ names }: NamedEndpoint): ReadonlySet<string> => new Set(names.map(key));
const addressesOf = ({ ipv4, ipv6 }: NamedEndpoint): readonly string[] => [...ipv4, ...ipv6];

export class NameTable implements NameDirectory {
  readonly #networks = new Map<string, NetworkNames>();
  /** Of each sandbox, in the order in which its networks are asked. */
  readonly #endpoints = new Map<string, readonly NamedEndpoint[]>();

  /** All endpoints of a sandbox, in place of those that it had. */
  set(sandboxId: string, endpoints: readonly NamedEndpoint[]): void {
    this.delete(sandboxId);
    this.#endpoints.set(sandboxId, endpoints);
    for (const endpoint of endpoints) this.#remember(endpoint);
  }

  /** Nothing if there is none. */
  delete(sandboxId: string): void {
    for (const endpoint of this.#endpoints.get(sandboxId) ?? []) this.#forget(endpoint);
    this.#endpoints.delete(sandboxId);
  }

  #remember(endpoint: NamedEndpoint): void {
    const network = this.#networks.get(endpoint.networkId) ?? { byName: new Map(), byAddress: new Map() };
    this.#networks.set(endpoint.networkId, network);
    for (const name of keysOf(endpoint)) {
      const holders = network.byName.get(name) ?? new Set();
      network.byName.set(name, holders.add(endpoint));
    }
    for (const address of addressesOf(endpoint)) network.byAddress.set(address, endpoint);
  }

  #forget(endpoint: NamedEndpoint): void {
    const network = this.#networks.get(endpoint.networkId);
    if (network === undefined) return;
    for (const name of keysOf(endpoint)) {
      const holders = network.byName.get(name);
      holders?.delete(endpoint);
      if (holders?.size === 0) network.byName.delete(name);
    }
    for (const address of addressesOf(endpoint))
      if (network.byAddress.get(address) === endpoint) network.byAddress.delete(address);
    if (network.byName.size === 0 && network.byAddress.size === 0) this.#networks.delete(endpoint.networkId);
  }

  forward(sandboxId: string, name: string): Addresses | undefined {
    const endpoints = this.#endpoints.get(sandboxId) ?? [];
    const whole = key(name);
    const found = this.#find(endpoints, whole);
    if (found !== undefined) return found;
    // "a.b.c" may be "a.b" of the network "c", or "a" of "b.c".
    for (let dot = whole.lastIndexOf("."); dot > 0; dot = whole.lastIndexOf(".", dot - 1)) {
      const network = whole.slice(dot + 1);
      const there = endpoints.filter(({ networkName }) => key(networkName) === network);
      const inside = this.#find(there, whole.slice(0, dot));
      if (inside !== undefined) return inside;
    }
    return undefined;
  }

  /** The first network that knows it. A sandbox's own alias comes before names that others have. */
  #find(endpoints: readonly NamedEndpoint[], name: string): Addresses | undefined {
    const linkOf = ({ links }: NamedEndpoint): string | undefined =>
      Object.entries(links).find(([alias]) => key(alias) === name)?.[1];
    for (const endpoint of endpoints) {
      const target = linkOf(endpoint);
      const found = target === undefined ? undefined : this.#holders(endpoint.networkId, key(target));
      if (found !== undefined) return found;
    }
    for (const endpoint of endpoints) {
      const found = linkOf(endpoint) === undefined ? this.#holders(endpoint.networkId, name) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #holders(networkId: string, name: string): Addresses | undefined {
    const holders = this.#networks.get(networkId)?.byName.get(name);
    if (holders === undefined) return undefined;
    const all = [...holders];
    return { ipv4: all.flatMap(({ ipv4 }) => ipv4), ipv6: all.flatMap(({ ipv6 }) => ipv6) };
  }

  reverse(sandboxId: string, address: string): string | undefined {
    for (const { networkId, networkName } of this.#endpoints.get(sandboxId) ?? []) {
      const [name] = this.#networks.get(networkId)?.byAddress.get(address)?.names ?? [];
      if (name !== undefined) return `${name}.${networkName}`;
    }
    return undefined;
  }
}
