// The pools of one network, and the addresses that its endpoints get from them.

import { EngineError, invalid, isKind, systemError } from "#base/errors.ts";
import { type Family, findPrefix, formatAddress, holds, parseAddress, subnetOf } from "#formats/ip-prefix.ts";
import { familyOfSetting, type SubnetSetting } from "./check-subnets.ts";
import { GATEWAY_PURPOSE, type IpamDriver, type Pool, PURPOSE_OPTION } from "./ipam-driver.ts";

/** A subnet that a network has. */
export interface NetworkPool {
  readonly poolId: string;
  readonly space: string;
  readonly family: Family;
  readonly subnet: string;
  /** Without a prefix. Not there: the driver wants none, or IPAM gives no addresses. */
  readonly gateway?: string;
  /** Addresses that others have. */
  readonly auxiliary: readonly string[];
}

export interface NetworkPoolsRequest {
  readonly family: Family;
  /** One pool for each of this family; with none, one is chosen. After a restart those that there were are asked for by name. */
  readonly settings: readonly SubnetSetting[];
  readonly options: Readonly<Record<string, string>>;
  /** One is chosen where none is given. */
  readonly wantsGateway: boolean;
}

const ANY: SubnetSetting = { auxiliary: {} };

/** Pools with their gateways and auxiliary addresses taken. A failure leaves nothing taken. */
export async function requestPools(
  ipam: IpamDriver,
  request: NetworkPoolsRequest,
  signal: AbortSignal,
): Promise<readonly NetworkPool[]> {
  await using undo = new AsyncDisposableStack();
  const pools: NetworkPool[] = [];
  const { family, options } = request;
  const settings = request.settings.filter((setting) => familyOfSetting(setting) === family);
  for (const setting of settings.length === 0 ? [ANY] : settings) {
    const { subnet, range } = setting;
    const wish = {
      ...{ family, options },
      ...(subnet !== undefined && { subnet }),
      ...(range !== undefined && { range }),
    };
    const pool = await ipam.requestPool(wish, signal);
    undo.defer(() => ipam.releasePool(pool.poolId));
    const take = (address: string | undefined, purpose: Readonly<Record<string, string>>) =>
      ipam.requestAddress(pool.poolId, address, purpose, signal);
    const gateway = await takeGateway(take, pool, setting.gateway, request.wantsGateway);
    await takeAuxiliary(take, pool, setting);
    pools.push({
      poolId: pool.poolId,
      space: pool.space,
      family,
      subnet: pool.subnet,
      auxiliary: Object.values(setting.auxiliary),
      ...(gateway === undefined ? {} : { gateway }),
    });
  }
  undo.move();
  return pools;
}

const withoutPrefix = (address: string): string => formatAddress(parseAddress(address.replace(/\/.*/, "")));

type Take = (
  address: string | undefined,
  options: Readonly<Record<string, string>>,
) => Promise<string | undefined>;

async function takeGateway(
  take: Take,
  pool: Pool,
  wanted: string | undefined,
  wantsGateway: boolean,
): Promise<string | undefined> {
  if (wanted === undefined && pool.gateway !== undefined) return withoutPrefix(pool.gateway);
  if (wanted === undefined && !wantsGateway) return undefined;
  try {
    const gateway = await take(wanted, { [PURPOSE_OPTION]: GATEWAY_PURPOSE });
    return gateway === undefined ? undefined : withoutPrefix(gateway);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw systemError(`failed to allocate gateway (${wanted ?? ""}): ${error.message}`, { cause: error });
  }
}

async function takeAuxiliary(take: Take, pool: Pool, { auxiliary }: SubnetSetting): Promise<void> {
  for (const [name, address] of Object.entries(auxiliary)) {
    const given = `(${name}:${address})`;
    if (!isWithin(pool.subnet, address))
      throw new EngineError(
        "forbidden",
        `auxiliary address: ${given} must belong to the master pool: ${pool.subnet}`,
      );
    try {
      await take(address, {});
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw systemError(`failed to allocate secondary ip address ${given}: ${error.message}`, {
        cause: error,
      });
    }
  }
}

function isWithin(subnet: string, address: string): boolean {
  const prefix = findPrefix(subnet);
  return prefix !== undefined && holds(subnetOf(prefix), parseAddress(address));
}

export async function releasePools(ipam: IpamDriver, pools: readonly NetworkPool[]): Promise<void> {
  for (const { poolId, gateway, auxiliary } of pools) {
    for (const address of [...(gateway === undefined ? [] : [gateway]), ...auxiliary])
      await ipam.releaseAddress(poolId, address);
    await ipam.releasePool(poolId);
  }
}

/** An address that an endpoint has. */
export interface GivenAddress {
  readonly poolId: string;
  /** With the length of its prefix. */
  readonly address: string;
}

export interface AddressRequest {
  /** Of one family. */
  readonly pools: readonly NetworkPool[];
  /** One is chosen from the first pool that has one if it is not given. */
  readonly address?: string;
  readonly options: Readonly<Record<string, string>>;
  readonly network: { readonly name: string; readonly id: string };
}

/** undefined: IPAM gives none. */
export async function requestAddress(
  ipam: IpamDriver,
  request: AddressRequest,
  signal: AbortSignal,
): Promise<GivenAddress | undefined> {
  const { pools, address: wanted, options, network } = request;
  const fitting = wanted === undefined ? pools : pools.filter(({ subnet }) => isWithin(subnet, wanted));
  for (const { poolId } of fitting) {
    try {
      const address = await ipam.requestAddress(poolId, wanted, options, signal);
      return address === undefined ? undefined : { poolId, address };
    } catch (error) {
      if (wanted !== undefined || !isKind(error, "unavailable")) throw error;
    }
  }
  if (wanted !== undefined)
    throw invalid(`invalid address ${wanted}: It does not belong to any of this network's subnets`);
  const family = pools[0]?.family ?? 4;
  throw systemError(
    `no available IPv${family} addresses on this network's address pools: ${network.name} (${network.id})`,
  );
}

export const releaseAddress = (ipam: IpamDriver, { poolId, address }: GivenAddress): Promise<void> =>
  ipam.releaseAddress(poolId, withoutPrefix(address));
