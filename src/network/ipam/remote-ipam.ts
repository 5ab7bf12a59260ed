// Address management by a plugin: which pools and addresses it has given, and who knows of them.
//
// The plugin keeps what it has given, over restarts of the daemon, too; one that does not says so (RequiresRequestReplay), and is asked again
// for all that there is before it is asked for anything else. What it was not told that nobody has any more, it is told first, too. It may lie:
// an address that is in no pool of the network, or that somebody has, is not taken.

import { systemError } from "#base/errors.ts";
import { untilAborted } from "#base/until-aborted.ts";
import {
  findAddress,
  findPrefix,
  formatAddress,
  formatPrefix,
  holds,
  overlap,
  type Prefix,
  subnetOf,
} from "#formats/ip-prefix.ts";
import type { AddressJournal, GivenEntry } from "../address-journal.ts";
import { PluginSaysNo } from "../plugin-calls.ts";
import {
  GATEWAY_PURPOSE,
  type IpamDriver,
  type KeptPool,
  type Pool,
  type PoolRequest,
  PURPOSE_OPTION,
  type Retaking,
} from "./ipam-driver.ts";
import { type IpamCapabilities, IpamPlugin, type IpamPluginDeps, type OfferedPool } from "./ipam-plugin.ts";
import type { Reserved } from "./subnet-space.ts";

export interface RemoteIpamDeps extends IpamPluginDeps {
  readonly given: AddressJournal;
  readonly reserved: (family: 4 | 6) => Promise<Reserved>;
  /** Work that nobody waits for until the daemon ends; it does not reject. */
  readonly background: (work: Promise<void>) => void;
}

interface GivenPool {
  /** What the plugin calls it now. */
  id: string;
  readonly subnet: Prefix;
  readonly addresses: Set<string>;
}

/** Pools that one may be offered before one that nobody has. */
const OFFERS = 32;
const never = new AbortController().signal;

export class RemoteIpam implements IpamDriver {
  readonly retaking: Retaking;
  readonly #deps: RemoteIpamDeps;
  readonly #plugin: IpamPlugin;
  /** By what the engine calls them: what the plugin called them first. */
  readonly #pools = new Map<string, GivenPool>();
  /** What is from before the restart, and the plugin may have to be asked for again. */
  readonly #kept = new Map<string, KeptPool>();
  /** What nobody has any more, and the plugin does not know. */
  #orphans: readonly GivenEntry[] = [];
  #capabilities: IpamCapabilities | undefined;
  #preparing: Promise<IpamCapabilities> | undefined;

  /** Asks nothing yet. */
  constructor(deps: RemoteIpamDeps, name: string) {
    this.#deps = deps;
    this.#plugin = new IpamPlugin(deps, name);
    this.retaking = {
      pool: (pool) => this.#retakePool(pool),
      address: (poolId, address) => this.#pools.get(poolId)?.addresses.add(plainOf(address)),
      done: () => {
        this.#orphans = deps.given.of(name).filter((entry) => !this.#isHeld(entry));
        if (this.#isBehind()) deps.background(this.#prepareLater());
      },
    };
  }

  #isHeld({ poolId, address }: GivenEntry): boolean {
    const pool = this.#pools.get(poolId);
    return pool !== undefined && (address === "" || pool.addresses.has(address));
  }

  #isBehind(): boolean {
    return this.#kept.size + this.#orphans.length > 0;
  }

  async needsMac(signal: AbortSignal): Promise<boolean> {
    return (await this.#prepare(signal)).needsMac;
  }

  async requestPool(request: PoolRequest, signal: AbortSignal): Promise<Pool> {
    const { space } = await this.#prepare(signal);
    const refused: string[] = [];
    try {
      for (let offer = 0; offer < OFFERS; offer++) {
        const pool = await this.#askForPool(request, space, signal);
        if (!(await this.#isReserved(request, pool.prefix))) return this.#keep(pool, space);
        refused.push(pool.id); // not given back yet, or it would be offered again
      }
      throw systemError(`plugin "${this.#plugin.name}" offers no pool that the host does not use already`);
    } finally {
      for (const id of refused) await this.#plugin.refuse(id);
    }
  }

  #keep({ id, prefix, gateway }: OfferedPool, space: string): Pool {
    let poolId = id;
    while (this.#pools.has(poolId)) poolId += "'"; // another one was called so before the plugin was asked again
    this.#pools.set(poolId, { id, subnet: prefix, addresses: new Set() });
    this.#deps.given.add(this.#plugin.name, { poolId, address: "" });
    const pool = { poolId, space, subnet: formatPrefix(prefix) };
    return gateway === undefined ? pool : { ...pool, gateway };
  }

  async #askForPool(request: PoolRequest, space: string, signal: AbortSignal): Promise<OfferedPool> {
    const offered = await this.#plugin.requestPool(request, space, signal);
    const others = [...this.#pools].filter(([poolId]) => !this.#kept.has(poolId));
    if (others.some(([, { id }]) => id === offered.id))
      throw systemError(
        `plugin "${this.#plugin.name}" gives a pool that it has given already: "${offered.id}"`,
      );
    return offered;
  }

  /** As dockerd: one that was asked for by name is the user's own affair. */
  async #isReserved({ family, subnet = "" }: PoolRequest, prefix: Prefix): Promise<boolean> {
    if (subnet !== "" || prefix.length === 0) return false;
    const { always, ifPossible } = await this.#deps.reserved(family);
    return [...always, ...ifPossible].some((other) => overlap(other, prefix));
  }

  async requestAddress(
    poolId: string,
    address: string | undefined,
    options: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string> {
    await this.#prepare(signal);
    const pool = this.#get(poolId);
    const text = await this.#plugin.requestAddress(pool.id, address, options, signal);
    const given = findPrefix(text);
    const plain = given === undefined ? text : formatAddress(given);
    if (pool.addresses.has(plain))
      throw systemError(`plugin "${this.#plugin.name}" gives the address ${plain}, which was given already`);
    const isWanted = address === undefined || plainOf(address) === plain;
    if (given !== undefined && isWanted && holds(pool.subnet, given)) {
      pool.addresses.add(plain);
      this.#deps.given.add(this.#plugin.name, { poolId, address: plain });
      return text;
    }
    await this.#plugin.refuse(pool.id, plain);
    const asked = address === undefined ? `an address of ${formatPrefix(pool.subnet)}` : address;
    throw systemError(`plugin "${this.#plugin.name}" was asked for ${asked} and gives "${text}"`);
  }

  async releaseAddress(poolId: string, address: string): Promise<void> {
    const plain = plainOf(address);
    this.#pools.get(poolId)?.addresses.delete(plain);
    await this.#giveBack({ poolId, address: plain }, this.#plugin.deadline());
  }

  async releasePool(poolId: string): Promise<void> {
    this.#kept.delete(poolId);
    await this.#giveBack({ poolId, address: "" }, this.#plugin.deadline());
    this.#pools.delete(poolId);
  }

  /** Never rejects: what cannot be told now is told later. */
  async #giveBack(entry: GivenEntry, signal: AbortSignal): Promise<void> {
    const { poolId, address } = entry;
    const id = this.#pools.get(poolId)?.id ?? poolId;
    if (await this.#plugin.release(id, address, signal)) this.#deps.given.delete(this.#plugin.name, entry);
    else this.#orphans = [...this.#orphans, entry];
  }

  usage(): undefined {}

  #get(poolId: string): GivenPool {
    const pool = this.#pools.get(poolId);
    if (pool === undefined) throw systemError(`plugin "${this.#plugin.name}" has given no pool ${poolId}`);
    return pool;
  }

  #retakePool(pool: KeptPool): void {
    const subnet = findPrefix(pool.subnet);
    if (subnet === undefined) return;
    const own = [...(pool.gateway === undefined ? [] : [pool.gateway]), ...Object.values(pool.auxiliary)];
    const addresses = new Set(own.map(plainOf));
    this.#pools.set(pool.poolId, { id: pool.poolId, subnet: subnetOf(subnet), addresses });
    this.#kept.set(pool.poolId, pool);
  }

  /** What the plugin is like; it knows then what there is, and what there is no more. */
  #prepare(signal: AbortSignal): Promise<IpamCapabilities> {
    if (this.#capabilities !== undefined && !this.#isBehind()) return Promise.resolve(this.#capabilities);
    this.#preparing ??= this.#catchUp().finally(() => {
      this.#preparing = undefined;
    });
    return untilAborted(this.#preparing, signal);
  }

  async #prepareLater(): Promise<void> {
    try {
      await this.#prepare(never);
    } catch (error) {
      this.#deps.warn(`plugin ${this.#plugin.name} is not there yet: ${String(error)}`);
    }
  }

  /** Goes on for others when one of those who wait gives up. */
  async #catchUp(): Promise<IpamCapabilities> {
    const known = await this.#plugin.capabilities(never);
    for (const [poolId, kept] of this.#kept) {
      if (known.needsReplay) await this.#replay(kept, known.space);
      this.#kept.delete(poolId);
    }
    const orphans = this.#orphans;
    this.#orphans = [];
    const deadline = this.#plugin.deadline();
    for (const orphan of orphans) await this.#giveBack(orphan, deadline);
    this.#capabilities = known;
    return known;
  }

  async #replay(kept: KeptPool, space: string): Promise<void> {
    const pool = this.#get(kept.poolId);
    const { id } = await this.#askForPool(kept, space, never);
    pool.id = id;
    const gateway = kept.gateway === undefined ? undefined : plainOf(kept.gateway);
    for (const address of pool.addresses) {
      const options: Readonly<Record<string, string>> =
        address === gateway ? { [PURPOSE_OPTION]: GATEWAY_PURPOSE } : {};
      try {
        await this.#plugin.requestAddress(id, address, options, never);
      } catch (error) {
        if (!(error instanceof PluginSaysNo)) throw error;
        this.#deps.warn(`plugin ${this.#plugin.name} does not give ${address} again: ${error.message}`);
      }
    }
  }
}

const plainOf = (text: string): string => {
  const address = findAddress(text);
  return address === undefined ? text : formatAddress(address);
};
