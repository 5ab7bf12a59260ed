// Where the default driver takes its subnets from: Docker's pools, the administrator's, and IPv6 addresses of the machine's own.

import { createHash } from "node:crypto";
import { systemError } from "#base/errors.ts";
import { type Family, formatPrefix, parsePrefix, subnetOf } from "#formats/ip-prefix.ts";
import type { SplitPool } from "./subnet-space.ts";

/** An entry of `default-address-pools`. */
export interface PoolSetting {
  readonly base: string;
  readonly size: number;
}

const split = (base: string, size: number): SplitPool => ({ base: subnetOf(parsePrefix(base)), size });

const DOCKER_POOLS: readonly SplitPool[] = [
  split("172.17.0.0/16", 16),
  split("172.18.0.0/16", 16),
  split("172.19.0.0/16", 16),
  split("172.20.0.0/14", 16),
  split("172.24.0.0/14", 16),
  split("172.28.0.0/14", 16),
  split("192.168.0.0/16", 20),
];

/** Docker's own pools are 31 networks. */
const FURTHER_POOLS: readonly SplitPool[] = [split("10.128.0.0/9", 24)];

export interface PoolsOf {
  readonly pools: readonly SplitPool[];
  /** For when those are used up. */
  readonly further: readonly SplitPool[];
}

/** `engineId` stands for the machine: its IPv6 networks stay the same. Throws for a pool that cannot be split, as Docker words it. */
export function choosePools(settings: readonly PoolSetting[], engineId: string): (family: Family) => PoolsOf {
  const own = settings.map(readPool);
  const ipv6 = own.filter(({ base }) => base.family === 6);
  const all = [
    ...(own.length > 0 ? own : DOCKER_POOLS),
    ...(ipv6.length > 0 ? [] : [uniqueLocalPool(engineId)]),
  ];
  return (family) => ({
    pools: all.filter(({ base }) => base.family === family),
    further: family === 4 && own.length === 0 ? FURTHER_POOLS : [],
  });
}

function readPool(setting: PoolSetting, index: number): SplitPool {
  const base = parsePrefix(setting.base);
  const name = `network at index ${index} (&{${formatPrefix(base)} ${setting.size}})`;
  if (setting.size === 0)
    throw systemError(`could not construct local address space: ${name} is not in canonical form`);
  if (base.length > setting.size)
    throw systemError(
      `could not construct local address space: ${name} has a smaller prefix (/${base.length}) than the target size of that pool (/${setting.size})`,
    );
  return { base: subnetOf(base), size: setting.size };
}

/** RFC 4193: fd, 40 bits that nobody else has, subnets of 64 bits. */
function uniqueLocalPool(engineId: string): SplitPool {
  const hash = createHash("sha256").update(engineId).digest();
  const globalId = hash.readBigUInt64BE() & ((1n << 40n) - 1n);
  return { base: { family: 6, value: (0xfdn << 120n) | (globalId << 80n), length: 48 }, size: 64 };
}
