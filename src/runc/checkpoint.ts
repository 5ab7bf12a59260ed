import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { invalid } from "#base/errors.ts";
import { criuFailure, dumpArguments, type Folders } from "#libcontainer/checkpoint/criu.ts";
import { takeNotes, writeNotes } from "#libcontainer/checkpoint/notes.ts";
import { refuseUnsaved } from "#libcontainer/checkpoint/refuse-unsaved.ts";
import { callerPath } from "./caller.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import type { ContainerState } from "./containers.ts";
import type { Deps } from "./create.ts";
import { dumpOptions } from "./criu.ts";
import { deleteContainer } from "./delete.ts";
import { cgroupsOf, readStatus } from "./status.ts";

const run = promisify(execFile);

export async function checkpointCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const state = deps.containers.get(id);
  const status = readStatus(deps, state);
  if (status === "created" || status === "stopped")
    throw invalid(`Container cannot be checkpointed in ${status} state`);
  refuseUnsaved(state.spec);
  const folders = makeFolders(deps, given, state);
  const preDump = isOn(given, "pre-dump");
  const leaveRunning = isOn(given, "leave-running");
  const notes = takeNotes(state.spec, state.initPid);
  const words = dumpArguments({
    ...folders,
    pid: state.initPid,
    cgroups: cgroupsOf(deps, state),
    notes,
    leaveRunning,
    preDump,
    options: dumpOptions(given),
  });
  if (!preDump) writeNotes(folders.images, notes);
  await runCriu(deps, words, folders);
  if (!preDump && !leaveRunning) await deleteContainer(deps, state);
  return 0;
}

export const criuProgram = ({ globals }: Deps): string => lastOf(globals, "criu") || "criu";

/** Images in ./checkpoint and the log with the container, unless the caller says otherwise. */
export function makeFolders(
  { caller, containers }: Deps,
  given: Given,
  { id }: Pick<ContainerState, "id">,
): Folders {
  const images = callerPath(caller, lastOf(given, "image-path") || "checkpoint");
  const asked = lastOf(given, "work-path") ?? "";
  const work = asked === "" ? join(containers.directory(id), "criu.work") : callerPath(caller, asked);
  for (const path of [images, work]) mkdirSync(path, { recursive: true, mode: 0o700 });
  return { images, work };
}

async function runCriu(deps: Deps, words: readonly string[], folders: Folders): Promise<void> {
  const { env, cwd } = deps.caller;
  try {
    await run(criuProgram(deps), words, { env, cwd, maxBuffer: 16 << 20, signal: deps.signal });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw criuFailure("dump", folders, code === "ENOENT" ? "" : `exit status ${code}`, error);
  }
}
