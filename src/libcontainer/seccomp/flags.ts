import { invalid } from "#base/errors.ts";
import { type HostFacts, kernelIsAtLeast } from "../host-facts.ts";

/** Names of a specification to the kernel's bits and the version that knows them. */
export const FLAGS: Readonly<Record<string, readonly [bit: number, major: number, minor: number]>> = {
  SECCOMP_FILTER_FLAG_TSYNC: [1, 3, 17],
  SECCOMP_FILTER_FLAG_LOG: [2, 4, 14],
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: [4, 4, 17],
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: [32, 5, 19],
};
const TSYNC = 1;
const NEW_LISTENER = 8;
const WAIT_KILLABLE_RECV = 32;

/** What the kernel is asked for. A listener cannot be had with TSYNC, which changes nothing for a process with one thread. */
export function filterFlags(
  flags: readonly string[] | undefined,
  host: Pick<HostFacts, "kernel">,
  listens: boolean,
): number {
  const bits = chosenFlags(flags, host);
  if (listens) return (bits & ~TSYNC) | NEW_LISTENER;
  if ((bits & WAIT_KILLABLE_RECV) !== 0)
    throw invalid("seccomp flag SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is for SCMP_ACT_NOTIFY only");
  return bits;
}

/** Without a list, a filter costs no speculation barriers, as with runc; an empty list is no flag. */
function chosenFlags(flags: readonly string[] | undefined, { kernel }: Pick<HostFacts, "kernel">): number {
  if (flags === undefined) return kernelIsAtLeast(kernel, 4, 17) ? 4 : 0;
  let bits = 0;
  for (const flag of flags) {
    const [bit, major, minor] = FLAGS[flag] ?? [0, 0, 0];
    if (bit === 0) throw invalid(`seccomp flag ${flag} is not known to runc`);
    if (!kernelIsAtLeast(kernel, major, minor))
      throw invalid(`seccomp flag ${flag} is not supported by the kernel`);
    bits |= bit;
  }
  return bits;
}
