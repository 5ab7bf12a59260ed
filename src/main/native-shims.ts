// Shims of gantry-exec over libcontainer's plans and this machine's cgroups.

import { setFrozen } from "#kernel/cgroups/freezer.ts";
import { type CgroupPaths, cgroupPaths } from "#kernel/cgroups/paths.ts";
import { killCgroup, readCgroupPids } from "#kernel/cgroups/processes.ts";
import { removeCgroups } from "#kernel/cgroups/remove.ts";
import { updateCgroup } from "#kernel/cgroups/update.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { compileContainer } from "#libcontainer/compile.ts";
import { compileExec } from "#libcontainer/compile-exec.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import { NativeShims } from "#shim/native/native-shims.ts";
import type { Shims } from "#shim/shim.ts";
import type { Spec } from "#spec/oci-runtime.ts";

export interface NativeShimOptions {
  readonly executor: Executor;
  /** The zygote's socket. */
  readonly socketPath: string;
  readonly host: HostFacts;
  /** What a specification asks for and this machine does not grant. */
  readonly warn: (message: string) => void;
}

export function createNativeShims({ socketPath, host, warn }: NativeShimOptions): Shims {
  const pathsOf = (id: string, spec: Spec): CgroupPaths =>
    cgroupPaths(host.cgroups, spec.linux?.cgroupsPath || `/${id}`);
  return new NativeShims({
    socketPath,
    compile: ({ id, spec, rootfs, stateDir }) => {
      const compiled = compileContainer(spec, { id, rootfs, bundle: stateDir, host });
      for (const message of compiled.warnings) warn(`container ${id}: ${message}`);
      return compiled;
    },
    control: (id, spec) => ({
      planExec: (process, initPid) => compileExec(spec, process, { id, initPid, host, warn }),
      pids: () => readCgroupPids(pathsOf(id, spec)),
      freeze: (frozen) => setFrozen(pathsOf(id, spec), frozen),
      update: async (resources) => updateCgroup(pathsOf(id, spec), resources),
    }),
    removeCgroups: async (id, spec) => {
      const paths = pathsOf(id, spec);
      await killCgroup(paths);
      await removeCgroups(paths);
    },
  });
}
