// The default IPAM driver: subnets from pools, the lowest free address first.

import { EngineError, invalid, notFound, systemError } from "#base/errors.ts";
import {
  type Family,
  findPrefix,
  formatPrefix,
  holds,
  type Prefix,
  parseAddress,
  sizeOf,
  subnetOf,
} from "#formats/ip-prefix.ts";
import type { PoolsOf } from "./default-pools.ts";
import {
  type AddressUsage,
  type IpamDriver,
  type Pool,
  type PoolRequest,
  SERIAL_OPTION,
} from "./ipam-driver.ts";
import { type Reserved, type SubnetPool, SubnetSpace } from "./subnet-space.ts";

/** Docker's name of the addresses that mean something on this machine only. */
const SPACE = "LocalDefault";

export interface DefaultIpamDeps {
  readonly pools: (family: Family) => PoolsOf;
  /** Asked before each choice of a subnet. */
  readonly reserved: (family: Family) => Promise<Reserved>;
}

export class DefaultIpam implements IpamDriver {
  readonly #deps: DefaultIpamDeps;
  readonly #spaces: Readonly<Record<Family, SubnetSpace>>;
  readonly #pools = new Map<string, SubnetPool>();

  constructor(deps: DefaultIpamDeps) {
    const spaceOf = (family: Family): SubnetSpace => {
      const { pools, further } = deps.pools(family);
      return new SubnetSpace(pools, further);
    };
    this.#deps = deps;
    this.#spaces = { 4: spaceOf(4), 6: spaceOf(6) };
  }

  async requestPool(request: PoolRequest): Promise<Pool> {
    const { subnet, size, part } = readRequest(request);
    const space = this.#spaces[request.family];
    const pool =
      subnet === undefined
        ? space.takeAny(await this.#deps.reserved(request.family), size)
        : space.take(subnet, part);
    const poolId = [
      SPACE,
      formatPrefix(pool.subnet),
      ...(part === undefined ? [] : [formatPrefix(part)]),
    ].join("/");
    this.#pools.set(poolId, pool);
    return { poolId, space: SPACE, subnet: formatPrefix(pool.subnet) };
  }

  async releasePool(poolId: string): Promise<void> {
    const pool = this.#pools.get(poolId);
    if (pool === undefined || !this.#spaces[pool.subnet.family].release(pool))
      throw invalid("address space does not contain specified address pool");
    this.#pools.delete(poolId);
  }

  async requestAddress(
    poolId: string,
    address: string | undefined,
    options: Readonly<Record<string, string>>,
  ): Promise<string> {
    const pool = this.#get(poolId);
    const value =
      address === undefined ? choose(pool, options[SERIAL_OPTION] === "true") : take(pool, address);
    return formatPrefix({ ...pool.subnet, value });
  }

  async releaseAddress(poolId: string, address: string): Promise<void> {
    const pool = this.#get(poolId);
    pool.addresses.release(within(pool, address));
  }

  usage(poolId: string): AddressUsage | undefined {
    const pool = this.#pools.get(poolId);
    if (pool === undefined) return undefined;
    const { addresses, range } = pool;
    return {
      taken: BigInt(addresses.count),
      free: sizeOf(range.subnet) - BigInt(addresses.countIn(range.subnet)),
    };
  }

  #get(poolId: string): SubnetPool {
    const pool = this.#pools.get(poolId);
    if (pool === undefined) throw notFound("address pool", poolId);
    return pool;
  }
}

interface Wanted {
  readonly subnet?: Prefix;
  /** Length of the prefix where any subnet will do. */
  readonly size?: number;
  readonly part?: Prefix;
}

function readRequest({ subnet = "", range = "" }: PoolRequest): Wanted {
  const failure = (why: string): EngineError =>
    systemError(
      `failed to parse pool request for address space "${SPACE}" pool "${subnet}" subpool "${range}": ${why}`,
    );
  const prefix = subnet === "" ? undefined : findPrefix(subnet);
  if (prefix === undefined && subnet !== "") throw failure("invalid address pool");
  if (prefix === undefined || prefix.value === 0n) {
    if (range !== "") throw failure("invalid address subpool");
    return prefix === undefined || prefix.length === 0 ? {} : { size: prefix.length };
  }
  if (range === "") return { subnet: subnetOf(prefix) };
  const part = findPrefix(range);
  if (part === undefined) throw systemError("invalid pool request: invalid address subpool");
  if (part.family !== prefix.family) throw invalid("pool and subpool are of incompatible address families");
  // A range that is wider than its subnet is the subnet.
  return { subnet: subnetOf(prefix), part: part.length < prefix.length ? subnetOf(prefix) : subnetOf(part) };
}

function choose({ addresses, range }: SubnetPool, serial: boolean): bigint {
  const value = serial ? addresses.takeNext(range) : addresses.takeLowest(range);
  if (value === undefined) throw new EngineError("unavailable", "no available addresses on this pool");
  return value;
}

function take(pool: SubnetPool, address: string): bigint {
  const value = within(pool, address);
  if (!pool.addresses.take(value)) throw new EngineError("forbidden", "Address already in use");
  return value;
}

function within({ subnet }: SubnetPool, text: string): bigint {
  const address = parseAddress(text);
  if (!holds(subnet, address)) throw invalid("requested address is out of range");
  return address.value;
}
