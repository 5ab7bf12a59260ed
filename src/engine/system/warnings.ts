// What `docker info` warns of.

import { readFileSync } from "node:fs";
import type { InfoSettings } from "./info-settings.ts";
import type { CgroupFacts, Machine } from "./machine.ts";

export interface WarningDeps {
  readonly machine: Machine;
  readonly settings: InfoSettings;
}

export const isForwarding = (): boolean =>
  readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim() === "1";

/** null is none. */
export function systemWarnings({ machine, settings }: WarningDeps): readonly string[] | null {
  const all = [
    ...exposedWarnings(settings),
    ...(cgroupWarnings(machine.cgroups, machine.cgroupVersion) ?? []),
  ];
  if (settings.containers.seccompProfile !== "builtin")
    all.push("WARNING: daemon is not using the default seccomp profile");
  if (!isForwarding()) all.push("WARNING: IPv4 forwarding is disabled");
  return all.length === 0 ? null : all;
}

const exposure = `
         Access to the remote API is equivalent to root access on the host. Refer
         to the 'Docker daemon attack surface' section in the documentation for
         more information: https://docs.docker.com/go/attack-surface/`;

function exposedWarnings({ hosts, tls }: InfoSettings): readonly string[] {
  const addresses = hosts
    .filter((host) => host.startsWith("tcp://"))
    .map((host) => host.slice("tcp://".length));
  if (tls?.enabled !== true)
    return addresses.map(
      (address) => `WARNING: API is accessible on http://${address} without encryption.${exposure}`,
    );
  if (tls.verify) return [];
  return addresses.map(
    (address) =>
      `WARNING: API is accessible on https://${address} without TLS client verification.${exposure}`,
  );
}

const warningOf: Readonly<Record<keyof CgroupFacts, string>> = {
  memory: "memory limit",
  swap: "swap limit",
  oomKillDisable: "oom kill disable",
  cpuQuota: "cpu cfs quota",
  cpuPeriod: "cpu cfs period",
  cpuShares: "cpu shares",
  cpuset: "cpuset",
  pids: "pids limit",
};

/** Docker's warnings about what the kernel or its command line leaves out; null is none. */
export function cgroupWarnings(facts: CgroupFacts, version: 1 | 2): readonly string[] | null {
  const warnings = Object.entries(warningOf)
    .filter(([name]) => !Object.entries(facts).some(([fact, given]) => fact === name && given))
    .filter(([name]) => name !== "oomKillDisable" || version === 1)
    .map(([, what]) => `WARNING: No ${what} support`);
  return warnings.length === 0 ? null : warnings;
}
