// Limits that a user may ask for, checked in Docker's words.

import { invalid } from "#base/errors.ts";
import type { ContainerResources } from "#spec/container-config.ts";

const MIN_MEMORY = 6 * 1024 * 1024;

export interface CpuFacts {
  readonly cpus: number;
  /** Online processors and memory nodes in the kernel's list format: "0-1". */
  readonly onlineCpus: string;
  readonly onlineMems: string;
}

type Limits = Pick<
  ContainerResources,
  | "Memory"
  | "MemorySwap"
  | "MemoryReservation"
  | "MemorySwappiness"
  | "NanoCpus"
  | "CpuPeriod"
  | "CpuQuota"
  | "CpuShares"
  | "CpusetCpus"
  | "CpusetMems"
  | "BlkioWeight"
  | "IOMaximumBandwidth"
  | "IOMaximumIOps"
>;

/** `update`: a change of a running container, where a swap limit may have been set before. */
export function validateResources(limits: Limits, facts: CpuFacts, update = false): void {
  validateMemory(limits, update);
  validateCpu(limits, facts);
  validateSet("cpus", limits.CpusetCpus, facts.onlineCpus);
  validateSet("mems", limits.CpusetMems, facts.onlineMems);
  if (limits.BlkioWeight !== 0 && (limits.BlkioWeight < 10 || limits.BlkioWeight > 1000))
    throw invalid("Range of blkio weight is from 10 to 1000");
  if (limits.IOMaximumBandwidth !== 0 || limits.IOMaximumIOps !== 0)
    throw invalid("Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps");
}

function validateMemory(limits: Limits, update: boolean): void {
  const { Memory, MemorySwap, MemoryReservation, MemorySwappiness } = limits;
  if (Memory !== 0 && Memory < MIN_MEMORY) throw invalid("Minimum memory limit allowed is 6MB");
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory)
    throw invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (Memory === 0 && MemorySwap > 0 && !update)
    throw invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (MemorySwappiness !== null && (MemorySwappiness < 0 || MemorySwappiness > 100))
    throw invalid(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
  if (MemoryReservation !== 0 && MemoryReservation < MIN_MEMORY)
    throw invalid("Minimum memory reservation allowed is 6MB");
  if (Memory > 0 && MemoryReservation > Memory)
    throw invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
}

function validateCpu(limits: Limits, facts: CpuFacts): void {
  const { NanoCpus, CpuPeriod, CpuQuota, CpuShares } = limits;
  if (NanoCpus > 0 && CpuPeriod > 0)
    throw invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (NanoCpus > 0 && CpuQuota > 0)
    throw invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (NanoCpus < 0 || NanoCpus > facts.cpus * 1e9)
    throw invalid(
      `range of CPUs is from 0.01 to ${facts.cpus}.00, as there are only ${facts.cpus} CPUs available`,
    );
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000))
    throw invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (CpuQuota > 0 && CpuQuota < 1000) throw invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  if (CpuShares < 0) throw invalid(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
}

/** The largest processor number that is read at all: a huge range must not become a huge set. */
const MAX_CPU = 8192;

function validateSet(what: "cpus" | "mems", value: string, available: string): void {
  if (value === "") return;
  const wanted = parseSet(what, value);
  const present = parseSet(what, available);
  for (const number of wanted)
    if (!present.has(number))
      throw invalid(
        `Requested ${what === "cpus" ? "CPUs" : "memory nodes"} are not available - requested ${value}, available: ${available}`,
      );
}

function parseSet(what: string, text: string): ReadonlySet<number> {
  const wrong = (cause: string): Error => invalid(`Invalid value ${text} for cpuset ${what}: ${cause}`);
  const result = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) throw wrong(`failed to parse list: ${text}`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last > MAX_CPU) throw wrong(`value of out range, maximum is ${MAX_CPU}`);
    if (last < first) throw wrong(`invalid range: ${part}`);
    for (let number = first; number <= last; number++) result.add(number);
  }
  return result;
}
