// Limits that this machine's kernel does not have are discarded with Docker's warnings, as dockerd does before it validates the rest.

import type { HostConfig } from "#spec/container-config.ts";
import type { HostFacts } from "./host-facts.ts";

type Limits = Pick<HostConfig, "MemorySwappiness" | "OomKillDisable" | "CpusetCpus" | "CpusetMems">;

export interface Granted<Settings> {
  readonly hostConfig: Settings;
  readonly warnings: readonly string[];
}

/** Of the settings of a container, or of those of them that are to change. */
export function discardLimits<Settings extends Partial<Limits>>(
  hostConfig: Settings,
  host: Pick<HostFacts, "cgroupVersion" | "hasCpuset">,
): Granted<Settings> {
  const unified = host.cgroupVersion === 2;
  const warnings: string[] = [];
  let granted = hostConfig;
  const discard = (what: Partial<Limits>, warning: string): void => {
    granted = { ...granted, ...what };
    warnings.push(warning);
  };
  if (unified && (hostConfig.MemorySwappiness ?? null) !== null)
    discard(
      { MemorySwappiness: null },
      "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
    );
  if (unified && hostConfig.OomKillDisable === true)
    discard(
      { OomKillDisable: null },
      "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
    );
  if (!host.hasCpuset && (hostConfig.CpusetCpus || hostConfig.CpusetMems))
    discard(
      { CpusetCpus: "", CpusetMems: "" },
      "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
    );
  return { hostConfig: granted, warnings };
}
