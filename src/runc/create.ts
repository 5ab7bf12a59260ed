import { writeFileSync } from "node:fs";
import { loadBundle } from "./bundle.ts";
import { type Caller, callerPath } from "./caller.ts";
import { type Given, lastOf } from "./command-line.ts";
import { type ContainerState, type Containers, readProcess } from "./containers.ts";
import { startFailure } from "./failures.ts";
import type { Log } from "./log.ts";
import type { Runtime, Streams, Supervisor } from "./runtime.ts";
import { detachedStreams } from "./streams.ts";

export interface Deps {
  readonly containers: Containers;
  readonly runtime: Runtime;
  readonly caller: Caller;
  readonly log: Log;
  readonly version: string;
  /** The flags before the verb. */
  readonly globals: Given;
  /** Aborts when the command is to end. */
  readonly signal: AbortSignal;
}

export interface Created {
  readonly state: ContainerState;
  readonly supervisor: Supervisor;
}

export async function createCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const { supervisor } = await createContainer(deps, given, id, detachedStreams);
  await supervisor[Symbol.asyncDispose]();
  return 0;
}

/** A container that stops before its program. A failure leaves nothing. */
export async function createContainer(
  { containers, runtime, caller, signal }: Deps,
  given: Given,
  id: string,
  chooseStreams: (terminal: boolean) => Streams,
): Promise<Created> {
  const { path, spec, rootfs } = loadBundle(caller, lastOf(given, "bundle") ?? ".");
  const streams = chooseStreams(spec.process?.terminal === true);
  const stateDir = containers.reserve(id);
  try {
    await using undo = new AsyncDisposableStack();
    const made = { supervisor: undo.use(await runtime.create({ id, spec, stateDir }, streams, signal)) };
    const initPid = made.supervisor.initPid;
    const initStartTime = readProcess(initPid)?.startTime ?? "";
    const created = new Date().toISOString();
    const state = {
      id,
      bundle: path,
      rootfs,
      created,
      owner: "",
      initPid,
      initStartTime,
      started: false,
      spec,
    };
    containers.save(state);
    writePidFile(caller, given, initPid);
    undo.move();
    return { state, ...made };
  } catch (error) {
    containers.remove(id);
    throw startFailure(error, spec.process?.args?.[0] ?? "");
  }
}

export function writePidFile(caller: Caller, given: Given, pid: number): void {
  const path = lastOf(given, "pid-file");
  if (path !== undefined && path !== "") writeFileSync(callerPath(caller, path), String(pid));
}
