// One network as it works now: its record, what its driver made, and its addresses.

import { EngineError, invalid, systemError } from "#base/errors.ts";
import { findAddress, holds, parsePrefix } from "#formats/ip-prefix.ts";
import type { EndpointRequest, PoolUsage } from "./controller.ts";
import type { DriverNetwork } from "./drivers/driver.ts";
import type { IpamDriver } from "./ipam/ipam-driver.ts";
import { isIpv6, type NetworkRecord, type PoolSpec } from "./network-spec.ts";

/** A subnet of the network with the name that the address management knows it by. */
export interface LivePool {
  readonly poolId: string;
  readonly pool: PoolSpec;
}

/** An address that an endpoint has, with its prefix length. */
export interface GivenAddress {
  readonly poolId: string;
  readonly address: string;
}

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

  /** One address of each family that the network has. Rejects, with nothing taken, in Docker's words. */
  async allocate(request: EndpointRequest): Promise<readonly GivenAddress[]> {
    const given: GivenAddress[] = [];
    try {
      for (const [family, wanted] of [
        [4, request.ipv4],
        [6, request.ipv6],
      ] as const) {
        const pools = this.#pools.filter(({ pool }) => isIpv6(pool.subnet) === (family === 6));
        if (pools.length > 0) given.push(...(await this.#allocateFrom(pools, family, wanted)));
        else if (wanted !== undefined)
          throw invalid(`invalid address ${wanted}: It does not belong to any of this network's subnets`);
      }
      return given;
    } catch (error) {
      await this.release(given);
      throw error;
    }
  }

  async #allocateFrom(
    pools: readonly LivePool[],
    family: 4 | 6,
    wanted: string | undefined,
  ): Promise<readonly GivenAddress[]> {
    const asked = wanted === undefined ? undefined : findAddress(wanted);
    for (const { poolId, pool } of pools) {
      if (asked !== undefined && !holds(parsePrefix(pool.subnet), asked)) continue;
      try {
        const address = await this.#ipam.requestAddress(poolId, wanted, {});
        return address === undefined ? [] : [{ poolId, address }];
      } catch (error) {
        if (wanted !== undefined || !(error instanceof EngineError) || error.kind !== "unavailable") throw error;
      }
    }
    if (wanted !== undefined)
      throw invalid(`invalid address ${wanted}: It does not belong to any of this network's subnets`);
    const { name, id } = this.record;
    throw systemError(`no available IPv${family} addresses on this network's address pools: ${name} (${id})`);
  }

  /** What an endpoint has had since before the daemon's restart; undefined if the network does not offer it any more. */
  async retake(address: string): Promise<GivenAddress | undefined> {
    const asked = findAddress(address);
    const found = this.#pools.find(
      ({ pool }) => asked !== undefined && holds(parsePrefix(pool.subnet), asked),
    );
    if (found === undefined) return undefined;
    try {
      const given = await this.#ipam.requestAddress(found.poolId, address, {});
      return given === undefined ? undefined : { poolId: found.poolId, address: given };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return undefined;
    }
  }

  async release(given: readonly GivenAddress[]): Promise<void> {
    for (const { poolId, address } of given)
      await this.#ipam.releaseAddress(poolId, address.replace(/\/.*/, ""));
  }

  /** Where packets of an endpoint with this address leave the network; "" if they do not, or by the link. */
  gatewayOf(address: string): string {
    if (this.driver.exit !== "gateway" || address === "") return "";
    const asked = findAddress(address);
    const pool = this.#pools.find(
      (other) => asked !== undefined && holds(parsePrefix(other.pool.subnet), asked),
    )?.pool;
    return pool?.auxiliary[GATEWAY_OF[isIpv6(address) ? 6 : 4]] ?? pool?.gateway ?? "";
  }

  usage(): readonly PoolUsage[] {
    return this.#pools.flatMap(({ poolId, pool }) => {
      const usage = this.#ipam.usage(poolId);
      return usage === undefined ? [] : [{ subnet: pool.subnet, ...usage }];
    });
  }

  /** What its driver made is gone then, and its subnets are free. */
  async close(): Promise<void> {
    await this.driver.close();
    await this.releasePools();
  }

  async releasePools(): Promise<void> {
    for (const { poolId } of this.#pools) await this.#ipam.releasePool(poolId);
  }
}
