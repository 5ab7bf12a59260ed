// One network as it works now: its record, what its driver made, and its addresses.

import { EngineError, invalid } from "#base/errors.ts";
import type { Family } from "#formats/ip-prefix.ts";
import { findAddress, holds, parsePrefix } from "#formats/ip-prefix.ts";
import type { EndpointRequest, PoolUsage } from "./controller.ts";
import type { DriverNetwork } from "./drivers/driver.ts";
import type { IpamDriver } from "./ipam/ipam-driver.ts";
import { type GivenAddress, releaseAddress, releasePools, requestAddress } from "./ipam/network-pools.ts";
import type { LivePool } from "./make-pools.ts";
import { isIpv6, type NetworkRecord } from "./network-spec.ts";

/** Docker's name of the address that is the gateway of containers, where the bridge's own is not. */
const GATEWAY_OF = { 4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6" } as const;

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
  async allocate(request: EndpointRequest): Promise<readonly GivenAddress[]> {
    const given: GivenAddress[] = [];
    try {
      for (const family of [4, 6] as const) {
        const wanted = family === 4 ? request.ipv4 : request.ipv6;
        const address = await this.#allocate(family, wanted);
        if (address !== undefined) given.push(address);
      }
      return given;
    } catch (error) {
      await this.release(given);
      throw error;
    }
  }

  async #allocate(family: Family, wanted: string | undefined): Promise<GivenAddress | undefined> {
    const pools = this.#pools.filter((pool) => pool.family === family);
    if (pools.length > 0)
      return await requestAddress(this.#ipam, {
        pools,
        options: {},
        network: this.record,
        ...(wanted !== undefined && { address: wanted }),
      });
    if (wanted === undefined) return undefined;
    throw invalid(`invalid address ${wanted}: It does not belong to any of this network's subnets`);
  }

  /** What an endpoint has had since before the daemon's restart; undefined if the network does not offer it any more. */
  async retake(address: string): Promise<GivenAddress | undefined> {
    try {
      return await this.#allocate(isIpv6(address) ? 6 : 4, address);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return undefined;
    }
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
    await releasePools(this.#ipam, this.#pools);
  }
}
