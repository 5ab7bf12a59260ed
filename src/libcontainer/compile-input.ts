// What every part of a compilation works from.

import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Mount, Process, Spec } from "#spec/oci-runtime.ts";
import type { HookedContainer } from "./hooks/plan-hooks.ts";
import type { HostFacts } from "./host-facts.ts";
import { isPrivate, type Namespaces } from "./namespaces.ts";
import type { NetDevice } from "./net-devices.ts";
import type { CompiledFilter } from "./seccomp/compile-seccomp.ts";
import type { Warn } from "./warnings.ts";

export interface CompileOptions {
  readonly id: string;
  /** Mounted in order at spec.root.path, in the container's mount namespace; empty: the directory is ready. */
  readonly rootfs: readonly Mount[];
  /** Directory that a relative spec.root.path and relative sources of binds are below. */
  readonly bundle?: string;
  readonly host: HostFacts;
  /** Instead of where linux.cgroupsPath leads. */
  readonly cgroup?: CgroupPaths;
  /** True: the cgroup is there, and only its limits are to be set. */
  readonly cgroupMade?: boolean;
  /** False: run at once, without the stop between create and start. */
  readonly awaitStart?: boolean;
  /** Instead of pivot_root(2): what readFullMounts() of mounts/plan-leave-host.ts gives where the plan starts. */
  readonly noPivot?: readonly string[];
  /** Path of a FIFO that is made: behind the stop, the process waits for a byte from it, and nobody need stay for that. */
  readonly startFifo?: { readonly path: string; readonly uid: number; readonly gid: number };
  /** What findNetDevices() of net-devices.ts gives for spec.linux.netDevices. */
  readonly netDevices?: readonly NetDevice[];
  /** False: the session keyring of whoever runs the plan is kept. */
  readonly newKeyring?: boolean;
  /** Environment of hooks that give none. */
  readonly hookEnvironment?: readonly string[];
  /** How many descriptors from 3 on the program gets. */
  readonly preservedFds?: number;
  /** Path of a unix socket that gets a pidfd of the process. */
  readonly pidfdSocket?: string;
  /** Path of a unix socket that gets the terminal, in place of the shim. */
  readonly consoleSocket?: string | undefined;
  /** spec.linux.seccomp, compiled before: many containers have the same. */
  readonly filter?: CompiledFilter | undefined;
}

export interface CompileInput {
  readonly spec: Spec;
  readonly options: CompileOptions;
  readonly process: Process;
  readonly rootPath: string;
  readonly cgroup: CgroupPaths;
  readonly namespaces: Namespaces;
  readonly warn: Warn;
}

const CAP_SYS_ADMIN = 1n << 21n;

/** Whether the executing processes are the machine's root, as far as namespaces go. */
export const isPrivileged = ({ grantable }: HostFacts): boolean => (grantable & CAP_SYS_ADMIN) !== 0n;

/** The machine's root makes what the root of a user namespace could not: mounts the root file system, takes the sources of binds. */
export const mountsOutside = ({ namespaces, options }: CompileInput): boolean =>
  isPrivate(namespaces, "user") && isPrivileged(options.host);

export const hookedOf = ({ spec, options }: CompileInput): HookedContainer => ({
  id: options.id,
  spec,
  bundle: options.bundle ?? "",
  ...(options.hookEnvironment !== undefined && { environment: options.hookEnvironment }),
});
