// The IPAM driver "null": one pool of everything, which gives no address.

import { invalid } from "#base/errors.ts";
import type { IpamDriver, Pool, PoolRequest } from "./ipam-driver.ts";

const POOLS = { 4: "0.0.0.0/0", 6: "::/0" } as const;
const idOf = (subnet: string): string => `null/${subnet}`;
const isOurs = (poolId: string): boolean => Object.values(POOLS).some((subnet) => idOf(subnet) === poolId);

function check(poolId: string): void {
  if (!isOurs(poolId)) throw invalid(`unknown pool id: ${poolId}`);
}

export const nullIpam: IpamDriver = {
  async requestPool({ family, subnet = "", range = "" }: PoolRequest): Promise<Pool> {
    if (subnet !== "") throw invalid("null ipam driver does not handle specific address pool requests");
    if (range !== "") throw invalid("null ipam driver does not handle specific address subpool requests");
    return { poolId: idOf(POOLS[family]), space: "null", subnet: POOLS[family] };
  },
  async releasePool() {},
  async requestAddress(poolId) {
    check(poolId);
    return undefined;
  },
  async releaseAddress(poolId) {
    check(poolId);
  },
  usage: () => undefined,
};
