// The subnets of a network: asked of the address management at its creation, and by name at each start of the daemon.

import { findPrefix } from "#formats/ip-prefix.ts";
import type { PoolData } from "./drivers/driver.ts";
import { familyOfSetting, type SubnetSetting } from "./ipam/check-subnets.ts";
import type { IpamDriver } from "./ipam/ipam-driver.ts";
import { type NetworkPool, releasePools, requestPools } from "./ipam/network-pools.ts";
import type { NetworkRecord, NetworkSpec } from "./network-spec.ts";

/** A subnet with what is to be asked for after a restart. */
export interface LivePool extends NetworkPool {
  readonly setting: SubnetSetting;
}

type Addressed = Pick<NetworkSpec, "enableIpv4" | "enableIpv6" | "ipam">;

/** Rejects, with nothing taken, in Docker's words. */
export async function makePools(
  ipam: IpamDriver,
  { enableIpv4, enableIpv6, ipam: { config, options } }: Addressed,
  wantsGateway: boolean,
): Promise<readonly LivePool[]> {
  const made: LivePool[] = [];
  try {
    for (const family of [...(enableIpv4 ? [4 as const] : []), ...(enableIpv6 ? [6 as const] : [])]) {
      const settings = config.filter((setting) => familyOfSetting(setting) === family);
      const pools = await requestPools(ipam, {
        ...{ family, settings, wantsGateway },
        options: options ?? {},
      });
      made.push(...pools.map((pool, index) => ({ ...pool, setting: settingOf(pool, settings[index]) })));
    }
    return made;
  } catch (error) {
    await releasePools(ipam, made);
    throw error;
  }
}

const settingOf = ({ subnet, gateway }: NetworkPool, asked: SubnetSetting | undefined): SubnetSetting => ({
  auxiliary: asked?.auxiliary ?? {},
  subnet,
  ...(asked?.range !== undefined && { range: asked.range }),
  ...(gateway !== undefined && { gateway }),
});

/** The same subnets, after a restart: a gateway that there was not is not asked for. */
export const retakePools = (ipam: IpamDriver, record: NetworkRecord): Promise<readonly LivePool[]> =>
  makePools(
    ipam,
    {
      enableIpv4: record.pools.some((pool) => familyOfSetting(pool) === 4),
      enableIpv6: record.pools.some((pool) => familyOfSetting(pool) === 6),
      ipam: { ...record.ipam, config: record.pools },
    },
    false,
  );

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
