// Resource limits of a process. Raising a hard limit needs CAP_SYS_RESOURCE: without it the limit is what we have, and a warning.

import { invalid } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Rlimit } from "#spec/oci-runtime.ts";
import type { HostFacts } from "../host-facts.ts";
import type { Warn } from "../warnings.ts";
import { CAP_SYS_RESOURCE } from "./capabilities.ts";

const numbers: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

const RLIM_INFINITY = 2n ** 64n - 1n;

/** -1 and what JSON numbers cannot hold exactly is infinity. */
const toLimit = (value: number): bigint =>
  value < 0 || value >= 2 ** 63 ? RLIM_INFINITY : BigInt(Math.trunc(value));

export function planRlimits(rlimits: readonly Rlimit[], host: HostFacts, warn: Warn): Plan {
  const mayRaise = (host.grantable & CAP_SYS_RESOURCE) !== 0n;
  return rlimits.map((rlimit, index) => {
    const { type } = rlimit;
    if (rlimits.findIndex((other) => other.type === type) !== index)
      throw invalid(`malformed spec file: duplicated rlimit "${type}"`);
    const wanted = readRlimit(rlimit);
    const ceiling = mayRaise ? RLIM_INFINITY : (host.limits.get(type)?.hard ?? RLIM_INFINITY);
    if (wanted.hard > ceiling) warn(`${type} is limited to ${ceiling}: CAP_SYS_RESOURCE is missing here`);
    const soft = smaller(wanted.soft, ceiling);
    const hard = smaller(wanted.hard, ceiling);
    return { op: "rlimit", why: `process.rlimits ${type}`, resource: wanted.resource, soft, hard };
  });
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

function readRlimit({ type, soft, hard }: Rlimit): {
  readonly resource: number;
  readonly soft: bigint;
  readonly hard: bigint;
} {
  const resource = Object.hasOwn(numbers, type) ? numbers[type] : undefined;
  if (resource === undefined) throw invalid(`invalid rlimit type: ${type}`);
  const wanted = { resource, soft: toLimit(soft), hard: toLimit(hard) };
  if (wanted.soft > wanted.hard) throw invalid(`${type}: the soft limit is above the hard limit`);
  return wanted;
}
