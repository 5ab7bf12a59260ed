// Who gives subnets to networks and addresses to endpoints: the default driver, "null", or a plugin.

import type { Family } from "#formats/ip-prefix.ts";

export interface PoolRequest {
  readonly family: Family;
  /** "172.18.0.0/16". Not given, or with an address of zeros ("0.0.0.0/24": of that size): one is chosen. */
  readonly subnet?: string;
  /** Part of the subnet that addresses are chosen from. */
  readonly range?: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface Pool {
  readonly poolId: string;
  /** Name of what the pool is part of. */
  readonly space: string;
  readonly subnet: string;
  /** With the length of the prefix: the driver has chosen it, and it is not to be requested. */
  readonly gateway?: string;
}

export interface AddressUsage {
  /** With those that are never given. */
  readonly taken: bigint;
  /** Those that can still be chosen. */
  readonly free: bigint;
}

/** Serial: from the address after the one that was given last on; else the lowest free one is given. */
export const SERIAL_OPTION = "com.docker.network.ipam.serial";
/** Tells what an address is for. */
export const PURPOSE_OPTION = "RequestAddressType";
/** The MAC address that it is for. */
export const MAC_OPTION = "com.docker.network.endpoint.macaddress";
export const GATEWAY_PURPOSE = "com.docker.network.gateway";

/** What a network has had since before a restart. */
export interface KeptPool extends Pool {
  readonly family: Family;
  readonly range?: string;
  readonly auxiliary: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
}

/** Of a driver that keeps by itself what it has given: it is told what the engine still has, and need not be there for that. */
export interface Retaking {
  pool(pool: KeptPool): void;
  address(poolId: string, address: string): void;
  /** All has been told. */
  done(): void;
}

/** Nothing is kept over a restart, but by those that are `retaking`: the controller requests again, by name, what its networks and endpoints have. */
export interface IpamDriver {
  readonly retaking?: Retaking;
  /** An address is requested for a MAC address. */
  needsMac?(signal: AbortSignal): Promise<boolean>;
  /** Rejects in Docker's words: `invalid`, or `forbidden` for a subnet in use. */
  requestPool(request: PoolRequest, signal: AbortSignal): Promise<Pool>;
  /** All its addresses are free after that. */
  releasePool(poolId: string): Promise<void>;
  /** `address` not given: one is chosen. With the length of the subnet's prefix; undefined: this driver gives none.
   *  Rejects `forbidden` for one in use, `unavailable` when none is left. */
  requestAddress(
    poolId: string,
    address: string | undefined,
    options: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string | undefined>;
  /** Releasing a free one does nothing. */
  releaseAddress(poolId: string, address: string): Promise<void>;
  /** undefined: it is not known. */
  usage(poolId: string): AddressUsage | undefined;
}
