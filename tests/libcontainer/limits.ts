// Limits of a container as its cgroups have them, by what they mean, whichever version the machine has.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { Container } from "./container-machine.ts";

export interface Limits {
  readonly memory: number;
  readonly memoryAndSwap: number;
  readonly pids: number;
  readonly cpuQuota: number;
  /** Shares of version 1, weight of version 2. */
  readonly cpuPortion: number;
  readonly frozen: boolean;
}

export const isVersion2 = ({ cgroups }: HostFacts): boolean => cgroups.v1.length === 0;

/** As /proc/self/cgroup names them: version 2 has no controllers there. */
export const hierarchiesOf = ({
  cgroups,
}: HostFacts): readonly { readonly controllers: readonly string[] }[] =>
  cgroups.v1.length === 0 ? [{ controllers: [] }] : cgroups.v1;

export function readLimits({ cgroups }: Container, host: HostFacts): Limits {
  const read = (file: string): string => {
    const directory = cgroups.find((path) => existsSync(join(path, file)));
    return directory === undefined ? "" : readFileSync(join(directory, file), "utf8").trim();
  };
  const count = (file: string): number => Number.parseInt(read(file), 10);
  if (isVersion2(host))
    return {
      memory: count("memory.max"),
      memoryAndSwap: count("memory.max") + count("memory.swap.max"),
      pids: count("pids.max"),
      cpuQuota: count("cpu.max"),
      cpuPortion: count("cpu.weight"),
      frozen: read("cgroup.freeze") === "1",
    };
  return {
    memory: count("memory.limit_in_bytes"),
    memoryAndSwap: count("memory.memsw.limit_in_bytes"),
    pids: count("pids.max"),
    cpuQuota: count("cpu.cfs_quota_us"),
    cpuPortion: count("cpu.shares"),
    frozen: read("freezer.state") === "FROZEN",
  };
}
