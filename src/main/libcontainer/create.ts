// From a specification to a container of this program.

import { setFrozen } from "#kernel/cgroups/freezer.ts";
import { readCgroupPids } from "#kernel/cgroups/processes.ts";
import { updateCgroup } from "#kernel/cgroups/update.ts";
import { encodePlan } from "#kernel/plan/encode.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { compileContainer } from "#libcontainer/compile.ts";
import { compileExec } from "#libcontainer/compile-exec.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import { type CompiledFilter, compileSeccomp } from "#libcontainer/seccomp/compile-seccomp.ts";
import { createValues } from "#shim/native/bodies.ts";
import { type ContainerControl, NativeShim } from "#shim/native/native-shim.ts";
import type { Mount, Seccomp, Spec } from "#spec/oci-runtime.ts";
import { Container } from "./container.ts";
import type { Place, Places } from "./places.ts";
import { type PreparedShim, type PreparedShims, release } from "./prepared-shims.ts";
import { openStreams, type Stdio } from "./streams.ts";

export interface CreateOptions {
  /** Default "pipe". */
  readonly stdio?: Stdio;
  /** Mounted in order to make spec.root.path, in the container's own mount namespace; absent: the directory is ready. */
  readonly rootfs?: readonly Mount[];
  /** Directory that a relative spec.root.path is below; default: this program's. */
  readonly bundle?: string;
  /** Told what the specification asks for and this machine does not grant. */
  readonly warn?: (message: string) => void;
}

export interface CreateDeps {
  readonly executor: Executor;
  readonly places: Places;
  readonly prepared: PreparedShims;
  /** Those that are not deleted. */
  readonly containers: Set<Container>;
  readonly host: HostFacts;
  /** Compiled profiles: programs give the same one again and again. */
  readonly filters: WeakMap<Seccomp, CompiledFilter>;
}

interface Creation {
  readonly spec: Spec;
  readonly options: CreateOptions;
  /** Between create and start the container waits. */
  readonly awaitStart: boolean;
}

/** A failure leaves nothing. */
export async function createContainer(deps: CreateDeps, creation: Creation): Promise<Container> {
  const taken = await deps.prepared.take();
  try {
    return await fill(deps, taken, creation);
  } catch (error) {
    await release(taken);
    throw error;
  } finally {
    deps.prepared.replace();
  }
}

async function fill(deps: CreateDeps, taken: PreparedShim, creation: Creation): Promise<Container> {
  const { place, control } = taken;
  const { options } = creation;
  const cgroup = creation.spec.linux?.cgroupsPath || place.cgroup;
  const spec = { ...creation.spec, linux: { ...creation.spec.linux, cgroupsPath: cgroup } };
  if (cgroup !== place.cgroup)
    await control.request("will", { plan: encodePlan(deps.places.planWill(place, cgroup)) });
  const compiled = compileContainer(spec, {
    id: place.id,
    rootfs: options.rootfs ?? [],
    bundle: options.bundle ?? process.cwd(),
    host: deps.host,
    cgroupMade: cgroup === place.cgroup,
    awaitStart: creation.awaitStart,
    filter: filterOf(deps, spec.linux.seccomp),
  });
  for (const message of compiled.warnings) options.warn?.(message);
  const whyOf = (index: number): string => compiled.plan[index]?.why ?? "create";
  const streams = openStreams(place, "init", options.stdio ?? "pipe", spec.process?.terminal === true);
  try {
    const reply = await control.request("create", createValues("", streams.io, compiled), whyOf);
    streams.joined();
    const identity = { stateDir: place.stateDir, spec, pid: reply.u32(), initPid: reply.u32() };
    const shim = new NativeShim(identity, control, controlOf(deps, place, spec, options), whyOf);
    taken.listen((exit) => shim.processEnded(exit));
    const { executor, places } = deps;
    const container: Container = new Container({
      place,
      shim,
      streams,
      executor,
      cgroup: places.cgroupPaths(cgroup),
      release: async () => {
        await release(taken);
        deps.containers.delete(container);
      },
    });
    deps.containers.add(container);
    return container;
  } catch (error) {
    streams.close();
    throw error;
  }
}

function filterOf({ filters, host }: CreateDeps, seccomp: Seccomp | undefined): CompiledFilter | undefined {
  if (seccomp === undefined) return undefined;
  const filter = filters.get(seccomp) ?? compileSeccomp(seccomp, host);
  if (filter !== undefined) filters.set(seccomp, filter);
  return filter;
}

function controlOf(
  deps: CreateDeps,
  { id }: Place,
  spec: Spec,
  { warn = () => {} }: CreateOptions,
): ContainerControl {
  const paths = deps.places.cgroupPaths(spec.linux?.cgroupsPath ?? "");
  const { host } = deps;
  return {
    planExec: (process, initPid) =>
      compileExec(spec, process, { id, initPid, host, warn, filter: filterOf(deps, spec.linux?.seccomp) }),
    pids: () => readCgroupPids(paths),
    freeze: (frozen) => setFrozen(paths, frozen),
    update: async (resources) => updateCgroup(paths, resources),
  };
}
