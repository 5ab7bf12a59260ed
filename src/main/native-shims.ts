// Shims of gantry-exec over libcontainer's plans and this machine's cgroups.

import { mkdirSync } from "node:fs";
import { unsupported } from "#base/errors.ts";
import { setFrozen } from "#kernel/cgroups/freezer.ts";
import { type CgroupPaths, cgroupPaths } from "#kernel/cgroups/paths.ts";
import { killCgroup, readCgroupPids } from "#kernel/cgroups/processes.ts";
import { removeCgroups } from "#kernel/cgroups/remove.ts";
import { updateCgroup } from "#kernel/cgroups/update.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { compileRestore } from "#libcontainer/checkpoint/plan-restore.ts";
import { explainCriu, saveContainer } from "#libcontainer/checkpoint/save-container.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import { findNetDevices } from "#libcontainer/net-devices.ts";
import { NativeShims } from "#shim/native/native-shims.ts";
import type { AdoptRequest, Checkpoint, Shims } from "#shim/shim.ts";
import { createDrivers, type DriverOptions, removeDriverRemains } from "./drivers.ts";
import { createHookRunner } from "./hook-runner.ts";

export interface NativeShimOptions {
  readonly executor: Executor;
  /** The zygote's socket. */
  readonly socketPath: string;
  readonly host: HostFacts;
  /** What a specification asks for and this machine does not grant. */
  readonly warn: (message: string) => void;
  /** Runtimes that the configuration names. */
  readonly binaries?: DriverOptions["binaries"];
}

const explainRestore = (checkpoint: Checkpoint | undefined, error: unknown): unknown =>
  checkpoint === undefined ? error : explainCriu("restore", checkpoint, error);

/** Other runtimes make processes that criu is not told of. */
function refuseDriver({ runtime }: AdoptRequest): void {
  if (runtime !== undefined) throw unsupported("restore with this runtime");
}

const never = new AbortController().signal;

export function createNativeShims(options: NativeShimOptions): Shims {
  const { socketPath, host, warn, binaries = {} } = options;
  const hooks = createHookRunner(options.executor);
  const findDriver = createDrivers({ host, warn, binaries });
  const pathsOf = ({ id, spec }: AdoptRequest): CgroupPaths =>
    cgroupPaths(host.cgroups, spec.linux?.cgroupsPath || `/${id}`);
  return new NativeShims({
    socketPath,
    compile: async (request) => {
      const { id, spec, stateDir, checkpoint } = request;
      if (checkpoint !== undefined) {
        refuseDriver(request);
        mkdirSync(checkpoint.work, { recursive: true, mode: 0o700 });
        return compileRestore(spec, checkpoint, { ...request, id, bundle: stateDir, host });
      }
      const netDevices = await findNetDevices(request.spec, options.executor, never);
      const compiled = findDriver(request.runtime).compile({ ...request, netDevices });
      for (const message of compiled.warnings) warn(`container ${request.id}: ${message}`);
      return request.runtime === undefined ? hooks.prepare(request, compiled) : compiled;
    },
    control: (container) => ({
      explain: (error) => explainRestore(container.checkpoint, error),
      planExec: (process, initPid) => findDriver(container.runtime).planExec(container, process, initPid),
      pids: () => readCgroupPids(pathsOf(container)),
      freeze: (frozen) => setFrozen(pathsOf(container), frozen),
      update: async (resources) => updateCgroup(pathsOf(container), resources),
      ...(container.runtime === undefined && {
        afterStart: (initPid: number) => hooks.afterStart(container, initPid),
        checkpoint: (initPid, wanted, signal) =>
          saveContainer(
            options.executor,
            { spec: container.spec, initPid, cgroups: pathsOf(container) },
            wanted,
            signal,
          ),
      }),
    }),
    beforeEnd: (container) => hooks.beforeEnd(container),
    removeCgroups: async (container) => {
      await removeDriverRemains(container, host);
      const paths = pathsOf(container);
      await killCgroup(paths);
      await removeCgroups(paths);
    },
  });
}
