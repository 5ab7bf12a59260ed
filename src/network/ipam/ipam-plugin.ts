// What a plugin of Docker's protocol is asked for about addresses, and how its answers are read: IpamDriver.RequestPool, RequestAddress and so on.

import { boolean, object, record, string } from "#base/decode.ts";
import { EngineError, prefixed, systemError } from "#base/errors.ts";
import { findPrefix, holds, type Prefix, subnetOf } from "#formats/ip-prefix.ts";
import { PluginCalls, type PluginCallsDeps, PluginSaysNo } from "../plugin-calls.ts";
import { GATEWAY_PURPOSE, type PoolRequest } from "./ipam-driver.ts";

export interface IpamPluginDeps extends PluginCallsDeps {
  readonly warn: (message: string) => void;
}

export interface IpamCapabilities {
  /** An address is requested for a MAC address. */
  readonly needsMac: boolean;
  /** It has forgotten what it gave when the daemon starts. */
  readonly needsReplay: boolean;
  /** Its name of the addresses that mean something on this machine only. */
  readonly space: string;
}

export interface OfferedPool {
  readonly id: string;
  readonly prefix: Prefix;
  /** With the length of its prefix. */
  readonly gateway?: string;
}

const decodeCapabilities = object(
  {},
  { Error: string, RequiresMACAddress: boolean, RequiresRequestReplay: boolean },
);
const decodeSpaces = object({}, { Error: string, LocalDefaultAddressSpace: string });
const decodePool = object({}, { Error: string, PoolID: string, Pool: string, Data: record(string) });
const decodeAddress = object({}, { Error: string, Address: string });
const decodeNothing = object({}, { Error: string });

export class IpamPlugin {
  readonly name: string;
  readonly #warn: IpamPluginDeps["warn"];
  readonly #calls: PluginCalls;

  constructor(deps: IpamPluginDeps, name: string) {
    this.name = name;
    this.#warn = deps.warn;
    this.#calls = new PluginCalls(deps, name, "IpamDriver");
  }

  async capabilities(signal: AbortSignal): Promise<IpamCapabilities> {
    await this.#reach(signal);
    const { RequiresMACAddress: needsMac = false, RequiresRequestReplay: needsReplay = false } =
      await this.#askCapabilities(signal);
    const spaces = await this.#calls.ask("GetDefaultAddressSpaces", undefined, decodeSpaces, signal);
    return { needsMac, needsReplay, space: spaces.LocalDefaultAddressSpace ?? "" };
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

  /** Rejects if it is no pool of the family, or if its gateway is elsewhere; it is given back then. */
  async requestPool(
    { family, subnet = "", range = "", options }: PoolRequest,
    space: string,
    signal: AbortSignal,
  ): Promise<OfferedPool> {
    const body = {
      ...{ AddressSpace: space, Pool: subnet, SubPool: range },
      ...{ Options: options, V6: family === 6 },
    };
    const answer = await this.#calls.ask("RequestPool", body, decodePool, signal);
    const { PoolID: id = "", Pool: text = "", Data: data = {} } = answer;
    const prefix = findPrefix(text);
    const gateway = data[GATEWAY_PURPOSE];
    const isFit =
      prefix?.family === family &&
      (gateway === undefined || holds(subnetOf(prefix), findPrefix(gateway) ?? NOWHERE));
    if (isFit) return { id, prefix: subnetOf(prefix), ...(gateway !== undefined && { gateway }) };
    await this.refuse(id);
    throw systemError(`plugin "${this.name}" gives what is no pool of IPv${family}: "${id}" "${text}"`);
  }

  /** With the length of a prefix, as it says. */
  async requestAddress(
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

  /** A pool, where `address` is "". False if the plugin cannot be told now; whatever it has against it, it has it back, as with dockerd. */
  async release(id: string, address: string, signal: AbortSignal): Promise<boolean> {
    try {
      if (address === "") await this.#calls.ask("ReleasePool", { PoolID: id }, decodeNothing, signal);
      else await this.#calls.ask("ReleaseAddress", { PoolID: id, Address: address }, decodeNothing, signal);
      return true;
    } catch (error) {
      this.#warn(`plugin ${this.name}: ${error instanceof Error ? error.message : String(error)}`);
      return error instanceof PluginSaysNo;
    }
  }

  /** What was offered is not taken. */
  async refuse(id: string, address = ""): Promise<void> {
    await this.release(id, address, this.deadline());
  }

  deadline(): AbortSignal {
    return this.#calls.deadline();
  }
}

const NOWHERE: Prefix = { family: 4, value: -1n, length: 0 };
