// --ulimit, and the default for open files, within what this machine lets the daemon grant.

import type { HostConfig } from "#spec/container-config.ts";
import type { Process } from "#spec/oci-runtime.ts";
import type { HostFacts } from "./host-facts.ts";

type Rlimit = NonNullable<Process["rlimits"]>[number];

/** Moby's default since v29: 1024 is what select(2) can hold. */
const defaultOpenFiles = { Name: "nofile", Soft: 1024, Hard: 524_288 };

export interface RlimitPlan {
  readonly rlimits: readonly Rlimit[];
  /** Wishes above the daemon's own hard limit, which only CAP_SYS_RESOURCE may pass. */
  readonly clamped: readonly { readonly name: string; readonly hard: number }[];
}

export function planRlimits(
  ulimits: HostConfig["Ulimits"],
  host: Pick<HostFacts, "capabilities" | "hardLimits">,
): RlimitPlan {
  const mayRaise = host.capabilities.has("CAP_SYS_RESOURCE");
  const asked = ulimits ?? [];
  const all = asked.some(({ Name }) => Name === "nofile") ? asked : [defaultOpenFiles, ...asked];
  const rlimits: Rlimit[] = [];
  const clamped: { name: string; hard: number }[] = [];
  for (const { Name: name, Soft: soft, Hard: hard } of all) {
    const ceiling = mayRaise
      ? Number.POSITIVE_INFINITY
      : (host.hardLimits.get(name) ?? Number.POSITIVE_INFINITY);
    const wanted = unlimited(hard);
    if (wanted > ceiling && asked.length > 0 && asked.some(({ Name }) => Name === name))
      clamped.push({ name, hard: ceiling });
    const granted = Math.min(wanted, ceiling);
    rlimits.push({
      type: `RLIMIT_${name.toUpperCase()}`,
      soft: toWire(Math.min(unlimited(soft), granted)),
      hard: toWire(granted),
    });
  }
  return { rlimits, clamped };
}

const unlimited = (value: number): number => (value === -1 ? Number.POSITIVE_INFINITY : value);
/** RLIM_INFINITY is written as -1, which the compiler of plans reads back as all ones. */
const toWire = (value: number): number => (value === Number.POSITIVE_INFINITY ? -1 : value);
