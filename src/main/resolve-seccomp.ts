// The seccomp profile of a container for this machine and the container's capabilities.

import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { Seccomp } from "#spec/oci-runtime.ts";
import { builtinSeccompProfile, parseSeccompProfile } from "#spec/seccomp-profile.ts";

/** `profile`: "builtin" or the text of one. Nearly all containers use the builtin one with the same capabilities: kept. */
export function resolveSeccomp({ arch, kernel }: Pick<HostFacts, "arch" | "kernel">) {
  const builtin = new Map<string, Seccomp>();
  return (profile: string, capabilities: readonly string[]): Seccomp => {
    const target = { capabilities, arch, kernel };
    if (profile !== "builtin") return parseSeccompProfile(profile, target);
    const key = capabilities.toSorted().join();
    const resolved = builtin.get(key) ?? builtinSeccompProfile(target);
    builtin.set(key, resolved);
    return resolved;
  };
}
