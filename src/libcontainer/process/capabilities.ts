// The five capability sets of a process, as masks, within what can be granted here.

import { capabilityNames } from "#spec/capabilities.table.ts";
import type { CapabilitySet, Process } from "#spec/oci-runtime.ts";
import type { Warn } from "../warnings.ts";

export type CapabilityMasks = Readonly<Record<CapabilitySet, bigint>>;

export const CAP_SYS_RESOURCE = 1n << 24n;

/** Names that this kernel or the bounding set lacks are left out with one warning. */
export function capabilityMasks(
  sets: Process["capabilities"],
  bounding: bigint,
  warn: Warn,
): CapabilityMasks {
  const missing = new Set<string>();
  const maskOf = (names: readonly string[] = []): bigint =>
    names.reduce((mask, name) => {
      const bit = 1n << BigInt(Math.max(0, capabilityNames.indexOf(name)));
      if (capabilityNames.includes(name) && (bounding & bit) !== 0n) return mask | bit;
      missing.add(name);
      return mask;
    }, 0n);
  const permitted = maskOf(sets?.permitted);
  const inheritable = maskOf(sets?.inheritable);
  const masks = {
    bounding: maskOf(sets?.bounding),
    effective: maskOf(sets?.effective),
    inheritable,
    permitted,
    // The kernel raises only what is permitted and inheritable; runc passes over the rest in silence, and its own `spec` asks for it.
    ambient: maskOf(sets?.ambient) & permitted & inheritable,
  };
  if (missing.size > 0)
    warn(`capabilities that this machine cannot grant are left out: ${[...missing].join(", ")}`);
  return masks;
}
