// Limits that this machine's kernel does not have are discarded with Docker's warnings, as dockerd does before it validates the rest.

import type { HostConfig } from "#spec/container-config.ts";
import type { BlockControl, HostFacts } from "./host-facts.ts";

/** Of a new container, or what an update asks for. */
type Limits = Partial<HostConfig>;

export interface Granted<T> {
  readonly limits: T;
  readonly warnings: readonly string[];
}

type Facts = Pick<HostFacts, "cgroupVersion" | "hasCpuset" | "lacking">;

/** A limit that cannot be: whether it was asked for, what is left of it, and Docker's warning. */
type Rule = readonly [asked: boolean, left: Limits, warning: string];

/** `minor`: before 1.42 the API had limits of kernel memory, which kernels no longer have; since then they mean nothing. */
export function discardLimits<T extends Limits>(limits: T, host: Facts, minor: number): Granted<T> {
  const found = [...ruleMemory(limits, host, minor), ...ruleProcessors(limits, host)].filter(
    ([asked]) => asked,
  );
  let left = limits;
  for (const [, change] of found) left = { ...left, ...change };
  return {
    limits: left,
    warnings: found.map(([, , warning]) => warning).filter((warning) => warning !== ""),
  };
}

const isAsked = (value: number | null | undefined): boolean => (value ?? 0) > 0;
const lacking = (what: string, discarded: string): string =>
  `Your kernel does not support ${what} or the cgroup is not mounted. ${discarded} discarded.`;

function ruleMemory(limits: Limits, { cgroupVersion }: Facts, minor: number): readonly Rule[] {
  const unified = cgroupVersion === 2;
  const kernel = (what: string): string => (minor < 42 ? lacking(what, "Limitation") : "");
  return [
    [
      unified && (limits.MemorySwappiness ?? null) !== null,
      { MemorySwappiness: null },
      lacking("memory swappiness capabilities", "Memory swappiness"),
    ],
    [isAsked(limits.KernelMemory), { KernelMemory: 0 }, kernel("kernel memory limit capabilities")],
    [isAsked(limits.KernelMemoryTCP), { KernelMemoryTCP: 0 }, kernel("kernel memory TCP limit capabilities")],
    [
      unified && limits.OomKillDisable === true,
      { OomKillDisable: null },
      "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
    ],
  ];
}

function ruleProcessors(limits: Limits, host: Facts): readonly Rule[] {
  const lacks = (control: BlockControl): boolean => host.lacking?.has(control) ?? false;
  return [
    [isAsked(limits.CpuPercent), { CpuPercent: 0 }, "linux does not support CPU percent. Percent discarded."],
    [
      !host.hasCpuset && Boolean(limits.CpusetCpus || limits.CpusetMems),
      { CpusetCpus: "", CpusetMems: "" },
      lacking("cpuset", "Cpuset"),
    ],
    [
      lacks("weight") && isAsked(limits.BlkioWeight),
      { BlkioWeight: 0 },
      lacking("Block I/O weight", "Weight"),
    ],
    [
      lacks("weight_device") && isAsked(limits.BlkioWeightDevice?.length),
      { BlkioWeightDevice: [] },
      lacking("Block I/O weight_device", "Weight-device"),
    ],
  ];
}
