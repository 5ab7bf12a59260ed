// Networks whose address management gives no addresses (the driver "null").

import { invalid } from "#base/errors.ts";
import { isIpv6, type NetworkRecord } from "../network-spec.ts";

/** Throws in Docker's words if a family that is asked for has no subnet but everything. */
export function refuseEmptyPools({ enableIpv4, enableIpv6, pools }: NetworkRecord): void {
  for (const [family, isAsked] of [
    [4, enableIpv4],
    [6, enableIpv6],
  ] as const) {
    const subnets = pools
      .flatMap(({ subnet }) => subnet ?? [])
      .filter((subnet) => isIpv6(subnet) === (family === 6));
    if (isAsked && subnets.every((subnet) => subnet.endsWith("/0")))
      throw invalid(`ipv${family} pool is empty`);
  }
}
