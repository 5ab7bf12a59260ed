import { invalid, unsupported } from "#base/errors.ts";
import { type HostFacts, kernelIsAtLeast } from "../host-facts.ts";

/** Names of a specification to the kernel's bits and the version that knows them. */
const FLAGS: Readonly<Record<string, readonly [bit: number, major: number, minor: number]>> = {
  SECCOMP_FILTER_FLAG_TSYNC: [1, 3, 17],
  SECCOMP_FILTER_FLAG_LOG: [2, 4, 14],
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: [4, 4, 17],
};

/** Without a list, a filter costs no speculation barriers, as with runc; an empty list is no flag. */
export function filterFlags(
  flags: readonly string[] | undefined,
  { kernel }: Pick<HostFacts, "kernel">,
): number {
  if (flags === undefined) return kernelIsAtLeast(kernel, 4, 17) ? 4 : 0;
  let bits = 0;
  for (const flag of flags) {
    if (flag === "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") throw unsupported(`linux.seccomp.flags: ${flag}`);
    const [bit, major, minor] = FLAGS[flag] ?? [0, 0, 0];
    if (bit === 0) throw invalid(`seccomp flags "${flag}" is not a valid flag for seccomp`);
    if (!kernelIsAtLeast(kernel, major, minor))
      throw invalid(`seccomp flag ${flag} is not supported by the kernel`);
    bits |= bit;
  }
  return bits;
}
