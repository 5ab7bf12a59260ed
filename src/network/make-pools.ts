// The subnets of a network, their gateways and auxiliary addresses: asked of the address management, at its creation and at each start of the daemon.

import { EngineError, invalid, systemError } from "#base/errors.ts";
import { GATEWAY_PURPOSE, type IpamDriver, PURPOSE_OPTION } from "./ipam/ipam-driver.ts";
import type { LivePool } from "./live-network.ts";
import { isIpv6, type NetworkSpec, type PoolSpec } from "./network-spec.ts";

type Addressed = Pick<NetworkSpec, "name" | "enableIpv4" | "enableIpv6" | "ipam">;

const anySubnet: PoolSpec = { subnet: "", range: "", gateway: "", auxiliary: {} };

/** What is to be requested: as it was asked for, and a subnet of the manager's choice for a family that is asked for without one. */
function wishesOf({ enableIpv4, enableIpv6, ipam }: Addressed) {
  const wishes = (family: 4 | 6) => {
    const asked = ipam.config.filter(({ subnet }) => subnet !== "" && isIpv6(subnet) === (family === 6));
    return (asked.length > 0 ? asked : [anySubnet]).map((pool) => ({ family, pool }));
  };
  return [...(enableIpv4 ? wishes(4) : []), ...(enableIpv6 ? wishes(6) : [])];
}

/** Rejects, with nothing taken, in Docker's words. */
export async function makePools(
  ipam: IpamDriver,
  spec: Addressed,
  needsGateway: boolean,
): Promise<readonly LivePool[]> {
  const made: LivePool[] = [];
  try {
    for (const wish of wishesOf(spec)) made.push(await makePool(ipam, spec, wish, needsGateway));
    return made;
  } catch (error) {
    for (const { poolId } of made) await ipam.releasePool(poolId);
    throw error;
  }
}

/** The same subnets, after a restart. */
export async function retakePools(
  ipam: IpamDriver,
  record: Addressed & { readonly pools: readonly PoolSpec[] },
): Promise<readonly LivePool[]> {
  const made: LivePool[] = [];
  for (const pool of record.pools)
    made.push(
      await makePool(ipam, record, { family: isIpv6(pool.subnet) ? 6 : 4, pool }, pool.gateway !== ""),
    );
  return made;
}

interface Wish {
  readonly family: 4 | 6;
  readonly pool: PoolSpec;
}

async function makePool(
  ipam: IpamDriver,
  { name, ipam: { options } }: Addressed,
  { family, pool }: Wish,
  needsGateway: boolean,
): Promise<LivePool> {
  const { subnet, range } = pool;
  const given = await ipam.requestPool({
    family,
    options,
    ...(subnet !== "" && { subnet }),
    ...(range !== "" && { range }),
  });
  try {
    const asked = pool.gateway !== "" || (needsGateway && given.gateway === undefined);
    const gateway = asked
      ? await requestGateway(ipam, given.poolId, pool.gateway)
      : (given.gateway ?? "");
    for (const [label, address] of Object.entries(pool.auxiliary))
      await reserve(ipam, given.poolId, { label, address, name });
    return {
      poolId: given.poolId,
      pool: { ...pool, subnet: given.subnet, gateway: gateway.replace(/\/.*/, "") },
    };
  } catch (error) {
    await ipam.releasePool(given.poolId);
    throw error;
  }
}

async function requestGateway(ipam: IpamDriver, poolId: string, wanted: string): Promise<string> {
  try {
    const options = { [PURPOSE_OPTION]: GATEWAY_PURPOSE };
    return (await ipam.requestAddress(poolId, wanted === "" ? undefined : wanted, options)) ?? "";
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw systemError(`failed to allocate gateway (${wanted}): ${error.message}`, { cause: error });
  }
}

async function reserve(
  ipam: IpamDriver,
  poolId: string,
  { label, address, name }: { readonly label: string; readonly address: string; readonly name: string },
): Promise<void> {
  try {
    await ipam.requestAddress(poolId, address, {});
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.message === "invalid IP address: ")
      throw invalid(`non parsable secondary ip address (${label}:${address}) passed for network ${name}`);
    throw systemError(`failed to allocate secondary ip address (${label}:${address}): ${error.message}`, {
      cause: error,
    });
  }
}
