// Address management by a plugin of Docker's protocol: IpamDriver.RequestPool, RequestAddress and so on.
//
// The plugin keeps what it has given, over restarts of the daemon, too; one that does not says so (RequiresRequestReplay), and is asked again
// for all that there is before it is asked for anything else. It may lie: an address that is in no pool of the network, or that somebody has,
// is not taken.

import { boolean, object, record, string } from "#base/decode.ts";
import { EngineError, prefixed, systemError } from "#base/errors.ts";
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
import { PluginCalls, type PluginCallsDeps, PluginSaysNo } from "../plugin-calls.ts";
import {
  GATEWAY_PURPOSE,
  type IpamDriver,
  type KeptPool,
  type Pool,
  type PoolRequest,
  PURPOSE_OPTION,
  type Retaking,
} from "./ipam-driver.ts";
import type { Reserved } from "./subnet-space.ts";

export interface RemoteIpamDeps extends PluginCallsDeps {
  readonly reserved: (family: 4 | 6) => Promise<Reserved>;
  readonly warn: (message: string) => void;
  /** Work that nobody waits for until the daemon ends; it does not reject. */
  readonly background: (work: Promise<void>) => void;
}

interface Capabilities {
  readonly needsMac: boolean;
  readonly needsReplay: boolean;
  readonly space: string;
}

interface Given {
  /** What the plugin calls it now. */
  id: string;
  readonly subnet: Prefix;
  readonly addresses: Set<string>;
}

const decodeCapabilities = object(
  {},
  { Error: string, RequiresMACAddress: boolean, RequiresRequestReplay: boolean },
);
const decodeSpaces = object({}, { Error: string, LocalDefaultAddressSpace: string });
const decodePool = object({}, { Error: string, PoolID: string, Pool: string, Data: record(string) });
const decodeAddress = object({}, { Error: string, Address: string });
const decodeNothing = object({}, { Error: string });

/** Pools that one may be offered before one that nobody has. */
const OFFERS = 32;
const never = new AbortController().signal;

export class RemoteIpam implements IpamDriver {
  readonly retaking: Retaking;
  readonly #deps: RemoteIpamDeps;
  readonly #calls: PluginCalls;
  /** By what it was called when it was given. */
  readonly #pools = new Map<string, Given>();
  /** What is from before the restart, and the plugin may have to be asked for again. */
  #kept: KeptPool[] = [];
  #capabilities: Capabilities | undefined;
  #preparing: Promise<Capabilities> | undefined;

  /** Asks nothing yet. */
  constructor(deps: RemoteIpamDeps, name: string) {
    this.#deps = deps;
    this.#calls = new PluginCalls(deps, name, "IpamDriver");
    this.retaking = {
      pool: (pool) => this.#retakePool(pool),
      address: (poolId, address) => this.#pools.get(poolId)?.addresses.add(formatText(address)),
      done: () => {
        if (this.#kept.length > 0) this.#deps.background(this.#prepareLater());
      },
    };
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
      throw systemError(`plugin "${this.#calls.name}" offers no pool that the host does not use already`);
    } finally {
      for (const id of refused) await this.#release("ReleasePool", { PoolID: id });
    }
  }

  #keep({ id, prefix, gateway }: OfferedPool, space: string): Pool {
    this.#pools.set(id, { id, subnet: prefix, addresses: new Set() });
    const pool = { poolId: id, space, subnet: formatPrefix(prefix) };
    return gateway === undefined ? pool : { ...pool, gateway };
  }

  async #askForPool(
    { family, subnet = "", range = "", options }: PoolRequest,
    space: string,
    signal: AbortSignal,
    own?: string,
  ): Promise<OfferedPool> {
    const body = {
      ...{ AddressSpace: space, Pool: subnet, SubPool: range },
      ...{ Options: options, V6: family === 6 },
    };
    const answer = await this.#calls.ask("RequestPool", body, decodePool, signal);
    const { PoolID: id = "", Pool: text = "", Data: data = {} } = answer;
    const prefix = findPrefix(text);
    const gateway = data[GATEWAY_PURPOSE];
    const isKnown = id !== own && this.#pools.has(id);
    const isFit =
      prefix?.family === family &&
      !isKnown &&
      (gateway === undefined || holds(subnetOf(prefix), findPrefix(gateway) ?? NOWHERE));
    if (isFit) return { id, prefix: subnetOf(prefix), ...(gateway !== undefined && { gateway }) };
    if (!isKnown) await this.#release("ReleasePool", { PoolID: id });
    const why = isKnown ? "a pool that it has given already" : `what is no pool of IPv${family}`;
    throw systemError(`plugin "${this.#calls.name}" gives ${why}: "${id}" "${text}"`);
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
    const text = await this.#askForAddress(pool.id, address, options, signal);
    const given = findPrefix(text);
    const plain = given === undefined ? text : formatAddress(given);
    if (pool.addresses.has(plain))
      throw systemError(`plugin "${this.#calls.name}" gives the address ${plain}, which was given already`);
    const isWanted = address === undefined || formatText(address) === plain;
    if (given !== undefined && isWanted && holds(pool.subnet, given)) {
      pool.addresses.add(plain);
      return text;
    }
    await this.#release("ReleaseAddress", { PoolID: pool.id, Address: plain });
    const asked = address === undefined ? `an address of ${formatPrefix(pool.subnet)}` : address;
    throw systemError(`plugin "${this.#calls.name}" was asked for ${asked} and gives "${text}"`);
  }

  async #askForAddress(
    id: string,
    address: string | undefined,
    options: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string> {
    const hasOptions = Object.keys(options).length > 0;
    const body = { PoolID: id, Address: address ?? "", Options: hasOptions ? options : null };
    const { Address = "" } = await this.#calls.ask("RequestAddress", body, decodeAddress, signal);
    if (Address === "") throw systemError("no address returned");
    return Address;
  }

  /** As dockerd: who has failed to take it back has it all the same. */
  async releaseAddress(poolId: string, address: string): Promise<void> {
    const pool = this.#pools.get(poolId);
    if (pool === undefined) return;
    pool.addresses.delete(formatText(address));
    await this.#release("ReleaseAddress", { PoolID: pool.id, Address: address });
  }

  async releasePool(poolId: string): Promise<void> {
    const pool = this.#pools.get(poolId);
    if (pool === undefined) return;
    this.#pools.delete(poolId);
    this.#kept = this.#kept.filter((kept) => kept.poolId !== poolId);
    await this.#release("ReleasePool", { PoolID: pool.id });
  }

  async #release(verb: string, body: unknown): Promise<void> {
    try {
      await this.#calls.ask(verb, body, decodeNothing, this.#calls.deadline());
    } catch (error) {
      this.#deps.warn(
        `plugin ${this.#calls.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  usage(): undefined {}

  #get(poolId: string): Given {
    const pool = this.#pools.get(poolId);
    if (pool === undefined) throw systemError(`plugin "${this.#calls.name}" has given no pool ${poolId}`);
    return pool;
  }

  #retakePool(pool: KeptPool): void {
    const subnet = findPrefix(pool.subnet);
    if (subnet === undefined) return;
    const own = [...(pool.gateway === undefined ? [] : [pool.gateway]), ...Object.values(pool.auxiliary)];
    const addresses = new Set(own.map(formatText));
    this.#pools.set(pool.poolId, { id: pool.poolId, subnet: subnetOf(subnet), addresses });
    this.#kept.push(pool);
  }

  /** What the plugin is like; it knows again what there is from before a restart. */
  #prepare(signal: AbortSignal): Promise<Capabilities> {
    if (this.#capabilities !== undefined && this.#kept.length === 0)
      return Promise.resolve(this.#capabilities);
    this.#preparing ??= this.#askWhatItIs(never).finally(() => {
      this.#preparing = undefined;
    });
    return untilAborted(this.#preparing, signal);
  }

  async #prepareLater(): Promise<void> {
    try {
      await this.#prepare(never);
    } catch (error) {
      this.#deps.warn(`plugin ${this.#calls.name} is not there yet: ${String(error)}`);
    }
  }

  async #askWhatItIs(signal: AbortSignal): Promise<Capabilities> {
    await this.#reach(signal);
    const { RequiresMACAddress = false, RequiresRequestReplay = false } = await this.#askCapabilities(signal);
    const { LocalDefaultAddressSpace: space = "" } = await this.#calls.ask(
      "GetDefaultAddressSpaces",
      undefined,
      decodeSpaces,
      signal,
    );
    this.#capabilities = { needsMac: RequiresMACAddress, needsReplay: RequiresRequestReplay, space };
    for (let [kept] = this.#kept; kept !== undefined; [kept] = this.#kept) {
      if (RequiresRequestReplay) await this.#replay(kept, space, signal);
      this.#kept = this.#kept.filter((other) => other !== kept);
    }
    return this.#capabilities;
  }

  async #reach(signal: AbortSignal): Promise<void> {
    try {
      await this.#calls.reach(signal);
    } catch (error) {
      throw error instanceof EngineError ? prefixed("error getting ipam plugin: ", error) : error;
    }
  }

  /** One that knows nothing of capabilities has none. */
  async #askCapabilities(signal: AbortSignal): Promise<ReturnType<typeof decodeCapabilities>> {
    try {
      return await this.#calls.ask("GetCapabilities", undefined, decodeCapabilities, signal);
    } catch (error) {
      if (!(error instanceof PluginSaysNo)) throw error;
      return {};
    }
  }

  async #replay(kept: KeptPool, space: string, signal: AbortSignal): Promise<void> {
    const pool = this.#get(kept.poolId);
    const { id } = await this.#askForPool(kept, space, signal, kept.poolId);
    pool.id = id;
    const gateway = kept.gateway === undefined ? undefined : formatText(kept.gateway);
    for (const address of pool.addresses) {
      const options: Readonly<Record<string, string>> =
        address === gateway ? { [PURPOSE_OPTION]: GATEWAY_PURPOSE } : {};
      try {
        await this.#askForAddress(id, address, options, signal);
      } catch (error) {
        if (!(error instanceof PluginSaysNo)) throw error;
        this.#deps.warn(`plugin ${this.#calls.name} does not give ${address} again: ${error.message}`);
      }
    }
  }
}

interface OfferedPool {
  readonly id: string;
  readonly prefix: Prefix;
  readonly gateway?: string;
}

const NOWHERE: Prefix = { family: 4, value: -1n, length: 0 };

const formatText = (text: string): string => {
  const address = findAddress(text);
  return address === undefined ? text : formatAddress(address);
};
