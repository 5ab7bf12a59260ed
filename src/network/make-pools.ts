// The subnets of a network: asked of the address management at its creation, and by name at each start of the daemon.

import { type Family, findPrefix } from "#formats/ip-prefix.ts";
import type { PoolData } from "./drivers/driver.ts";
import { familyOfSetting, type SubnetSetting } from "./ipam/check-subnets.ts";
import type { IpamDriver, Retaking } from "./ipam/ipam-driver.ts";
import { type NetworkPool, releasePools, requestPools } from "./ipam/network-pools.ts";
import type { NetworkRecord, NetworkSpec } from "./network-spec.ts";

/** A subnet with what is to be asked for after a restart. */
export interface LivePool extends NetworkPool {
  readonly setting: SubnetSetting;
}

const never = new AbortController().signal;

type Addressed = Pick<NetworkSpec, "enableIpv4" | "enableIpv6" | "ipam">;

/** Rejects, with nothing taken, in Docker's words. */
export async function makePools(
  ipam: IpamDriver,
  { enableIpv4, enableIpv6, ipam: { config, options } }: Addressed,
  wantsGateway: boolean,
  signal: AbortSignal,
): Promise<readonly LivePool[]> {
  const made: LivePool[] = [];
  try {
    for (const family of [...(enableIpv4 ? [4 as const] : []), ...(enableIpv6 ? [6 as const] : [])]) {
      const settings = config.filter((setting) => familyOfSetting(setting) === family);
      const request = { family, settings, wantsGateway, options: options ?? {} };
      const pools = await requestPools(ipam, request, signal);
      const isKept = ipam.retaking !== undefined;
      made.push(
        ...pools.map((pool, index) => ({ ...pool, setting: settingOf(pool, settings[index], isKept) })),
      );
    }
    return made;
  } catch (error) {
    await releasePools(ipam, made);
    throw error;
  }
}

const settingOf = (
  { subnet, gateway, poolId, space }: NetworkPool,
  asked: SubnetSetting | undefined,
  isKept: boolean,
): SubnetSetting => ({
  auxiliary: asked?.auxiliary ?? {},
  subnet,
  ...(asked?.range !== undefined && { range: asked.range }),
  ...(gateway !== undefined && { gateway }),
  ...(isKept && { poolId, space }),
});

/** The same subnets, after a restart: a gateway that there was not is not asked for. */
export async function retakePools(ipam: IpamDriver, record: NetworkRecord): Promise<readonly LivePool[]> {
  if (ipam.retaking !== undefined)
    return record.pools.map((setting) => tellAgain(ipam.retaking, setting, record));
  const has = (family: Family): boolean => record.pools.some((pool) => familyOfSetting(pool) === family);
  const spec = {
    ...{ enableIpv4: has(4), enableIpv6: has(6) },
    ipam: { ...record.ipam, config: record.pools },
  };
  return await makePools(ipam, spec, false, never);
}

function tellAgain(
  retaking: Retaking | undefined,
  setting: SubnetSetting,
  { ipam: { options } }: NetworkRecord,
): LivePool {
  const { poolId = "", space = "", subnet = "", gateway, range, auxiliary } = setting;
  const pool = {
    ...{ poolId, space, subnet, family: familyOfSetting(setting) },
    ...(gateway !== undefined && { gateway }),
  };
  retaking?.pool({ ...pool, auxiliary, options: options ?? {}, ...(range !== undefined && { range }) });
  return { ...pool, auxiliary: Object.values(auxiliary), setting };
}

/** As a driver is told of it. */
export function describePool({ space, subnet, gateway, setting }: LivePool): PoolData {
  const length = findPrefix(subnet)?.length ?? 0;
  return {
    addressSpace: space,
    subnet,
    ...(gateway !== undefined && { gateway: `${gateway}/${length}` }),
    auxiliary: Object.fromEntries(
      Object.entries(setting.auxiliary).map(([name, address]) => [name, `${address}/${length}`]),
    ),
  };
}
