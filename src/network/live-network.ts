// One network as it works now: its record, what its driver made, and its addresses.

import { EngineError, invalid } from "#base/errors.ts";
import type { Family } from "#formats/ip-prefix.ts";
import { findAddress, holds, parsePrefix } from "#formats/ip-prefix.ts";
import type { EndpointRequest, PoolUsage } from "./controller.ts";
import type { DriverNetwork } from "./drivers/driver.ts";
import { type IpamDriver, MAC_OPTION, type Retaking } from "./ipam/ipam-driver.ts";
import { type GivenAddress, releaseAddress, releasePools, requestAddress } from "./ipam/network-pools.ts";
import type { LivePool } from "./make-pools.ts";
import { isIpv6, type NetworkRecord } from "./network-spec.ts";

/** Docker's name of the address that is the gateway of containers, where the bridge's own is not. */
const GATEWAY_OF = { 4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6" } as const;

const never = new AbortController().signal;

export class LiveNetwork {
  readonly record: NetworkRecord;
  readonly driver: DriverNetwork;
  readonly #ipam: IpamDriver;
  readonly #pools: readonly LivePool[];

  constructor(
    record: NetworkRecord,
    made: { readonly driver: DriverNetwork; readonly ipam: IpamDriver; readonly pools: readonly LivePool[] },
  ) {
    this.record = record;
    this.driver = made.driver;
    this.#ipam = made.ipam;
    this.#pools = made.pools;
  }

  /** What its endpoints have is given by its address management. */
  get givesAddresses(): boolean {
    return this.record.ipam.driver !== "null";
  }

  /** One address of each family that the network has. Rejects, with nothing taken, in Docker's words. */
  async allocate(
    request: Pick<EndpointRequest, "ipv4" | "ipv6" | "macAddress">,
    signal: AbortSignal,
  ): Promise<readonly GivenAddress[]> {
    const { macAddress } = request;
    const isTold = macAddress !== undefined && (await this.needsMac(signal));
    const options: Readonly<Record<string, string>> = isTold ? { [MAC_OPTION]: macAddress } : {};
    const given: GivenAddress[] = [];
    try {
      for (const family of [4, 6] as const) {
        const wanted = family === 4 ? request.ipv4 : request.ipv6;
        const address = await this.#allocate(family, wanted, options, signal);
        if (address !== undefined) given.push(address);
      }
      return given;
    } catch (error) {
      await this.release(given);
      throw error;
    }
  }

  async #allocate(
    family: Family,
    wanted: string | undefined,
    options: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<GivenAddress | undefined> {
    const pools = this.#pools.filter((pool) => pool.family === family);
    const asked = { pools, options, network: this.record };
    if (pools.length > 0)
      return await requestAddress(
        this.#ipam,
        wanted === undefined ? asked : { ...asked, address: wanted },
        signal,
      );
    if (wanted === undefined) return undefined;
    throw invalid(`invalid address ${wanted}: It does not belong to any of this network's subnets`);
  }

  /** What an endpoint has had since before the daemon's restart; undefined if the network does not offer it any more. */
  async retake(address: string): Promise<GivenAddress | undefined> {
    const { retaking } = this.#ipam;
    if (retaking !== undefined) return this.#tellAgain(retaking, address);
    try {
      return await this.#allocate(isIpv6(address) ? 6 : 4, address, {}, never);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return undefined;
    }
  }

  /** Who keeps it himself is told that it is still there. */
  #tellAgain(retaking: Retaking, address: string): GivenAddress | undefined {
    const asked = findAddress(address);
    for (const { poolId, subnet } of this.#pools) {
      const prefix = parsePrefix(subnet);
      if (asked === undefined || !holds(prefix, asked)) continue;
      retaking.address(poolId, address);
      return { poolId, address: `${address}/${prefix.length}` };
    }
    return undefined;
  }

  /** Its address management wants to know the MAC address that an address is for. */
  async needsMac(signal: AbortSignal): Promise<boolean> {
    return (await this.#ipam.needsMac?.(signal)) === true;
  }

  async release(given: readonly GivenAddress[]): Promise<void> {
    for (const address of given) await releaseAddress(this.#ipam, address);
  }

  /** Where packets of an endpoint with this address leave the network; "" if they do not, or by the link. */
  gatewayOf(address: string): string {
    const asked = findAddress(address);
    if (this.driver.exit !== "gateway" || asked === undefined) return "";
    const pool = this.#pools.find(({ subnet }) => holds(parsePrefix(subnet), asked));
    return pool?.setting.auxiliary[GATEWAY_OF[asked.family]] ?? pool?.gateway ?? "";
  }

  usage(): readonly PoolUsage[] {
    return this.#pools.flatMap(({ poolId, subnet }) => {
      const usage = this.#ipam.usage(poolId);
      return usage === undefined ? [] : [{ subnet, ...usage }];
    });
  }

  /** What its driver made is gone then, and its subnets are free. */
  async close(): Promise<void> {
    await this.driver.close();
    await this.free();
  }

  /** Its subnets are free then. */
  async free(): Promise<void> {
    await releasePools(this.#ipam, this.#pools);
  }
}
