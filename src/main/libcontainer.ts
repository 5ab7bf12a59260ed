// libcontainer for programs: import { openLibcontainer } from "gantry/libcontainer".
//
// Opening starts one small process (gantry-exec zygote). A container's own processes are a shim and what it runs; everything ends with
// the program that opened the library, however that ends: a shim whose connection is gone kills its container, removes its cgroups and
// files, and ends.

import { chmodSync, existsSync, mkdtempSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unsupported } from "#base/errors.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { readHostFacts } from "#libcontainer/host-facts.ts";
import type { Process, Seccomp, Spec } from "#spec/oci-runtime.ts";
import { builtinSeccompProfile } from "#spec/seccomp-profile.ts";
import type { Container } from "./libcontainer/container.ts";
import { type CreateDeps, type CreateOptions, createContainer } from "./libcontainer/create.ts";
import { Places } from "./libcontainer/places.ts";
import { openShim, PreparedShims, release } from "./libcontainer/prepared-shims.ts";
import { type SandboxOptions, sandboxProcess, sandboxSpec } from "./libcontainer/sandbox.ts";
import { nativeProgram } from "./native-program.ts";

export type { CgroupStats } from "#kernel/cgroups/stats.ts";
export type { PlanError } from "#kernel/plan/executor.ts";
export type { ProcessExit } from "#shim/shim.ts";
export type { Mount, Process, Resources, Seccomp, Spec } from "#spec/oci-runtime.ts";
export type { Container, ContainerEvent, ContainerProcess, Signal } from "./libcontainer/container.ts";
export type { CreateOptions } from "./libcontainer/create.ts";
export type { SandboxOptions } from "./libcontainer/sandbox.ts";
export type { Stdio } from "./libcontainer/streams.ts";

export interface LibcontainerOptions {
  /** A new directory is made below it, for sockets, FIFOs and exit codes. Default: /run or /dev/shm where that is in memory, else the system's temporary one. */
  readonly directory?: string;
}

export interface Libcontainer extends AsyncDisposable {
  /** A container up to its start point. Rejects with PlanError, naming the step that failed; nothing is left then. */
  create(spec: Spec, options?: CreateOptions): Promise<Container>;
  /** A container whose program runs. */
  run(spec: Spec, options?: CreateOptions): Promise<Container>;
  /** Docker's default container without network and capabilities, as a specification. */
  sandbox(options: SandboxOptions): Spec;
  /** A process for `exec` with the rights of `sandbox`. */
  process(options: Omit<SandboxOptions, "root">): Process;
}

/** Outlives this program for as long as it takes to remove what is shared. */
async function openGuard(places: Places): Promise<AsyncDisposable> {
  const guard = await openShim(places, places.at("guard"), {
    first: [],
    last: places.planEnd(),
  });
  return { [Symbol.asyncDispose]: () => release(guard) };
}

const TMPFS_MAGIC = 0x01021994; // linux/magic.h

/** A start waits for the files that it makes, and a disk may take a millisecond for each. */
function stateDirectory(): string {
  const inMemory = (path: string): boolean => existsSync(path) && statfsSync(path).type === TMPFS_MAGIC;
  return ["/run", "/dev/shm"].find(inMemory) ?? tmpdir();
}

/** Needs root. Dispose of it to end its containers. */
export async function openLibcontainer({
  directory = stateDirectory(),
}: LibcontainerOptions = {}): Promise<Libcontainer> {
  if (process.getuid?.() !== 0) throw unsupported("libcontainer without root");
  const host = readHostFacts();
  await using undo = new AsyncDisposableStack();
  const places = new Places(mkdtempSync(join(directory, "gantry-")), host);
  chmodSync(places.directory, 0o711);
  const zygote = await startZygote({ binary: nativeProgram(), socket: places.zygoteSocket });
  undo.use(zygote);
  undo.use(await openGuard(places));
  const closing = new AbortController();
  const prepared = new PreparedShims(places);
  const containers = new Set<Container>();
  const pending = new Set<Promise<Container>>();
  undo.defer(async () => {
    closing.abort();
    await Promise.allSettled(pending);
    await Promise.all([prepared.close(), ...[...containers].map((container) => container.delete())]);
  });
  await prepared.warm();
  const deps: CreateDeps = { executor: zygote, places, prepared, host, containers, filters: new WeakMap() };
  const make = async (spec: Spec, options: CreateOptions, awaitStart: boolean): Promise<Container> => {
    closing.signal.throwIfAborted();
    const making = createContainer(deps, { spec, options, awaitStart });
    pending.add(making);
    return await making.finally(() => pending.delete(making));
  };
  const seccomp = new Map<string, Seccomp>();
  const cleanup = undo.move();
  return {
    create: (spec, options = {}) => make(spec, options, true),
    run: (spec, options = {}) => make(spec, options, false),
    sandbox: (options) => {
      const capabilities = options.capabilities ?? [];
      const key = capabilities.toSorted().join();
      const profile = seccomp.get(key) ?? builtinSeccompProfile({ capabilities, ...host });
      seccomp.set(key, profile);
      return sandboxSpec(options, profile);
    },
    process: sandboxProcess,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}
