// Which capabilities a container gets: Docker's default list, changed by --cap-add and --cap-drop.

import { invalid } from "#base/errors.ts";
import { capabilityNames } from "#spec/capabilities.table.ts";
import type { HostConfig } from "#spec/container-config.ts";
import { defaultCapabilities } from "./oci-defaults.table.ts";

/** "net_admin", "CAP_NET_ADMIN" -> "CAP_NET_ADMIN". ALL stays ALL. */
export function normalizeCapabilities(field: string, names: readonly string[] | null): readonly string[] {
  return (names ?? []).map((name) => {
    const upper = name.toUpperCase();
    if (upper === "ALL") return upper;
    const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!capabilityNames.includes(full)) throw invalid(`invalid ${field}: unknown capability: "${full}"`);
    return full;
  });
}

/** In the kernel's order. `available`: the bounding set of the daemon; what is not in it cannot be granted. */
export function decideCapabilities(
  hostConfig: Pick<HostConfig, "CapAdd" | "CapDrop" | "Privileged">,
  available: ReadonlySet<string>,
): { readonly granted: readonly string[]; readonly missing: readonly string[] } {
  const wanted = wantedCapabilities(hostConfig);
  return {
    granted: capabilityNames.filter((name) => wanted.has(name) && available.has(name)),
    missing: capabilityNames.filter((name) => wanted.has(name) && !available.has(name)),
  };
}

function wantedCapabilities(
  hostConfig: Pick<HostConfig, "CapAdd" | "CapDrop" | "Privileged">,
): ReadonlySet<string> {
  if (hostConfig.Privileged) return new Set(capabilityNames);
  const add = normalizeCapabilities("CapAdd", hostConfig.CapAdd);
  const drop = new Set(normalizeCapabilities("CapDrop", hostConfig.CapDrop));
  const base = add.includes("ALL") ? capabilityNames : defaultCapabilities;
  if (drop.has("ALL")) return new Set(add.filter((name) => name !== "ALL"));
  const kept = base.filter((name) => !drop.has(name));
  return new Set(add.includes("ALL") ? kept : [...kept, ...add]);
}
