import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { invalid, systemError } from "#base/errors.ts";
import { readOomKills } from "#kernel/cgroups/oom.ts";
import { compileContainer } from "#libcontainer/compile.ts";
import { readFullMounts } from "#libcontainer/mounts/plan-leave-host.ts";
import { findNetDevices } from "#libcontainer/net-devices.ts";
import type { Resources, Spec } from "#spec/oci-runtime.ts";
import { loadBundle } from "./bundle.ts";
import { type Caller, callerPath } from "./caller.ts";
import type { Child, Client } from "./client.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import { beginState, type ContainerState, type Containers, readProcess } from "./containers.ts";
import { startFailure } from "./failures.ts";
import { hookEnvironment, runPoststopHooks } from "./hooks.ts";
import type { Log } from "./log.ts";
import { withNotifySocket } from "./notify.ts";
import { choosePlacement, closePlacement, openPlacement } from "./placement.ts";
import type { Runtime } from "./runtime.ts";
import { countListeners, withListeners } from "./socket-activation.ts";

export interface Deps {
  readonly containers: Containers;
  readonly runtime: Runtime;
  readonly caller: Client;
  readonly log: Log;
  readonly version: string;
  /** The flags before the verb. */
  readonly globals: Given;
  /** Aborts when the command is to end. */
  readonly signal: AbortSignal;
}

export interface Created {
  readonly state: ContainerState;
  readonly child: Child;
}

export interface CreateOptions {
  readonly id: string;
  /** The client stays until the program has ended. */
  readonly foreground: boolean;
  /** The program is started by a command of its own. */
  readonly separateStart: boolean;
}

export async function createCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const { child } = await createContainer(deps, given, { id, foreground: false, separateStart: true });
  child.go(); // as far as its FIFO
  return 0;
}

/** A container that stops before its program. A failure leaves nothing; what is left when we are killed in the middle, the state names. */
export async function createContainer(deps: Deps, given: Given, options: CreateOptions): Promise<Created> {
  const { containers, caller } = deps;
  const placing = { ...deps, host: deps.runtime.host };
  const { id } = options;
  const { path, spec, rootfs } = loadBundle(caller, lastOf(given, "bundle") ?? ".");
  const listeners = countListeners(caller);
  const streams = readStreams(given, spec, { ...options, listeners });
  const placement = choosePlacement(placing, id, spec);
  const stateDir = containers.reserve(id);
  const startFifo = options.separateStart ? join(stateDir, "exec.fifo") : "";
  const begun = beginState({ id, bundle: path, rootfs, startFifo, spec, placement });
  try {
    containers.save(begun);
    using open = await openPlacement(placing, begun.placement, spec);
    const placed = { ...begun, placement: open.record };
    const notified = withNotifySocket(caller, withSockets(spec, listeners), stateDir);
    const limited = { ...placed, spec: withResources(notified, open.resources) };
    const child = await caller.spawn({
      plan: await planContainer(deps, limited, streams, given),
      ...streams,
    });
    const state = {
      ...placed,
      initPid: child.pid,
      initStartTime: readProcess(child.pid)?.startTime ?? "",
    };
    containers.save(state);
    writePidFile(caller, given, child.pid);
    return { state, child };
  } catch (error) {
    const starved = readOomKills(begun.placement.cgroup ?? { v1: [] }) > 0;
    await closePlacement(placing, begun.placement);
    containers.remove(id);
    await runPoststopHooks(deps, begun);
    if (starved) throw systemError("container init was OOM-killed (memory limit too low?)", { cause: error });
    throw startFailure(error, spec.process?.args?.[0] ?? "");
  }
}

const withSockets = (spec: Spec, count: number): Spec =>
  spec.process === undefined ? spec : { ...spec, process: withListeners(spec.process, count) };

const withResources = (spec: Spec, resources: Resources): Spec => ({
  ...spec,
  linux: { ...spec.linux, resources },
});

async function planContainer(
  { runtime, log, caller, signal }: Deps,
  { id, bundle, spec, placement: { cgroup }, startFifo: path }: ContainerState,
  { preservedFds, consoleSocket }: ChildStreams,
  given: Given,
) {
  const { host } = runtime;
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const { plan, warnings } = compileContainer(spec, {
    id,
    rootfs: [],
    bundle,
    host,
    preservedFds,
    consoleSocket,
    ...readPidfdSocket(caller, given),
    hookEnvironment: hookEnvironment(caller),
    netDevices: await findNetDevices(spec, caller.executor, signal),
    ...(cgroup !== undefined && { cgroup }),
    ...(path !== "" && { startFifo: { path, ...owner } }),
    newKeyring: !isOn(given, "no-new-keyring"),
    ...(isOn(given, "no-pivot") && { noPivot: readFullMounts() }),
  });
  const joinsUser = spec.linux?.namespaces?.some(({ type, path }) => type === "user" && path) === true;
  if (joinsUser && spec.linux?.uidMappings?.length)
    await log.tell("warning", "linux.uidMappings: those of the user namespace that is joined hold");
  for (const warning of warnings) await log.tell("warning", warning);
  return plan;
}

export interface ChildStreams {
  readonly preservedFds: number;
  readonly foreground: boolean;
  readonly consoleSocket?: string;
}

/** What a process that is to be started gets of the caller, by the flags. */
export function readStreams(
  given: Given,
  { process }: Pick<Spec, "process">,
  { foreground, listeners = 0 }: { readonly foreground: boolean; readonly listeners?: number },
): ChildStreams {
  const socket = lastOf(given, "console-socket") ?? "";
  const terminal = process?.terminal === true;
  if (terminal && !foreground && socket === "")
    throw invalid("cannot allocate tty if runc will detach without setting console socket");
  if ((!terminal || foreground) && socket !== "")
    throw invalid("cannot use console socket if runc will not detach or allocate tty");
  return {
    foreground,
    preservedFds: readPreservedFds(given, listeners),
    ...(socket !== "" && { consoleSocket: socket }),
  };
}

/** Descriptors above are taken by the plan's slots. */
const MOST_PRESERVED = 61;

function readPreservedFds(given: Given, listeners: number): number {
  const count = listeners + Number(lastOf(given, "preserve-fds") ?? 0);
  if (count > MOST_PRESERVED) throw invalid(`--preserve-fds: at most ${MOST_PRESERVED} are possible`);
  return count;
}

export function readPidfdSocket(caller: Caller, given: Given): { readonly pidfdSocket?: string } {
  const path = lastOf(given, "pidfd-socket") ?? "";
  return path === "" ? {} : { pidfdSocket: callerPath(caller, path) };
}

export function writePidFile(caller: Caller, given: Given, pid: number): void {
  const path = lastOf(given, "pid-file");
  if (path !== undefined && path !== "") writeFileSync(callerPath(caller, path), String(pid));
}
