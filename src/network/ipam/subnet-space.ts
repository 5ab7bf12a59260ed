// Which subnets of one address family are taken, and which one is chosen where none is asked for.

import { EngineError, invalid } from "#base/errors.ts";
import {
  bitsOf,
  compareSubnets,
  formatPrefix,
  lastOf,
  overlap,
  type Prefix,
  sizeOf,
} from "#formats/ip-prefix.ts";
import { type AddressRange, AddressSet } from "./address-set.ts";

/** Subnets with prefixes of length `size` are cut from `base`. */
export interface SplitPool {
  readonly base: Prefix;
  readonly size: number;
}

/** Subnets that are not to be chosen. */
export interface Reserved {
  /** The machine would be cut off from what is there. */
  readonly always: readonly Prefix[];
  /** Chosen only when everything else is taken. */
  readonly ifPossible: readonly Prefix[];
}

/** A subnet, or a part of it, that was given to one network. */
export interface SubnetPool {
  readonly subnet: Prefix;
  readonly range: AddressRange;
  readonly addresses: AddressSet;
}

interface Parent {
  readonly subnet: Prefix;
  readonly addresses: AddressSet;
  /** By text; "" is the whole subnet. */
  readonly pools: Map<string, SubnetPool>;
}

const WHOLE = "";

const overlapError = (): EngineError =>
  new EngineError("forbidden", "invalid pool request: Pool overlaps with other one on this address space");

export class SubnetSpace {
  readonly #choices: readonly (readonly SplitPool[])[];
  readonly #parents = new Map<string, Parent>();

  /** `further`: pools for when all subnets of `pools` are taken. */
  constructor(pools: readonly SplitPool[], further: readonly SplitPool[] = []) {
    this.#choices = [inOrder(pools), inOrder(further)];
  }

  /** Takes this subnet for one network, or the part of it. As Docker: several networks may have parts of one subnet, and who asks for a
   *  part is not asked about subnets that overlap; drivers that mind refuse. */
  take(subnet: Prefix, part: Prefix | undefined): SubnetPool {
    const name = part === undefined ? WHOLE : formatPrefix(part);
    const known = this.#parents.get(formatPrefix(subnet));
    if (part === undefined ? this.#isTaken(subnet) : known?.pools.has(name)) throw overlapError();
    const parent = known ?? this.#add(subnet);
    const { addresses } = parent;
    const pool = { subnet, addresses, range: addresses.openRange(part ?? subnet) };
    parent.pools.set(name, pool);
    return pool;
  }

  #isTaken(subnet: Prefix): boolean {
    return [...this.#parents.values()].some((parent) => overlap(parent.subnet, subnet));
  }

  #add(subnet: Prefix): Parent {
    const parent = { subnet, addresses: new AddressSet(subnet), pools: new Map() };
    this.#parents.set(formatPrefix(subnet), parent);
    return parent;
  }

  /** The lowest free subnet of the pools; `size`: with a prefix of this length instead of the pool's own. */
  takeAny(reserved: Reserved, size: number | undefined): SubnetPool {
    const choices = this.#choices.map((pools) => (size === undefined ? pools : resized(pools, size)));
    if (choices.every((pools) => pools.length === 0)) throw invalid("invalid address pool");
    const taken = [...this.#parents.values()].map(({ subnet }) => subnet).concat(reserved.always);
    const wary = taken.concat(reserved.ifPossible);
    const found = findFree(choices.flat(), wary) ?? findFree(choices.flat(), taken);
    if (found === undefined) throw invalid("all predefined address pools have been fully subnetted");
    return this.take(found, undefined);
  }

  /** Once its last part is released, the subnet is free. False: it was not taken. */
  release({ subnet, range }: SubnetPool): boolean {
    const parent = this.#parents.get(formatPrefix(subnet));
    const entry = [...(parent?.pools ?? [])].find(([, pool]) => pool.range === range);
    if (parent === undefined || entry === undefined) return false;
    parent.pools.delete(entry[0]);
    parent.addresses.closeRange(range);
    if (parent.pools.size === 0) this.#parents.delete(formatPrefix(subnet));
    return true;
  }
}

/** As Docker: by address, and without those within others. */
const inOrder = (pools: readonly SplitPool[]): readonly SplitPool[] =>
  pools
    .toSorted((one, other) => compareSubnets(one.base, other.base))
    .filter(({ base }, index, all) => !all.slice(0, index).some((before) => overlap(before.base, base)));

const resized = (pools: readonly SplitPool[], size: number): readonly SplitPool[] =>
  pools
    .filter(({ base }) => base.length <= size && size <= bitsOf(base.family))
    .map(({ base }) => ({ base, size }));

function findFree(pools: readonly SplitPool[], taken: readonly Prefix[]): Prefix | undefined {
  const sorted = taken.toSorted(compareSubnets);
  for (const pool of pools) {
    const free = findFreeIn(pool, sorted);
    if (free !== undefined) return free;
  }
  return undefined;
}

/** The lowest subnet of the pool between those that are taken, which are in order. */
function findFreeIn({ base, size }: SplitPool, taken: readonly Prefix[]): Prefix | undefined {
  let free: Prefix = { ...base, length: size };
  const step = sizeOf(free);
  for (const other of taken.filter((subnet) => overlap(base, subnet))) {
    if (other.value > lastOf(free)) break;
    const after = lastOf(other) + 1n;
    if (after > free.value) free = { ...free, value: ((after + step - 1n) / step) * step };
  }
  return lastOf(free) <= lastOf(base) ? free : undefined;
}
