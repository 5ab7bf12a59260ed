import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { invalid, systemError } from "#base/errors.ts";
import { type MountInfo, parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import { callerPath } from "./caller.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import type { ContainerState } from "./containers.ts";
import type { Deps } from "./create.ts";
import { dumpArguments, type Folders, findOutsideMounts, type OutsideMount, refuseUnsaved } from "./criu.ts";
import { deleteContainer } from "./delete.ts";
import { cgroupsOf, readStatus } from "./status.ts";

const run = promisify(execFile);

/** Beside criu's images: what it cannot know. */
export interface Notes {
  readonly outside: readonly OutsideMount[];
  /** What descriptors 0 to 2 of the init were, in criu's names: "pipe:[123]"; "" for files of the container. */
  readonly streams: readonly string[];
}
export const NOTES = "gantry.json";

export async function checkpointCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const state = deps.containers.get(id);
  const status = readStatus(deps, state);
  if (status === "created" || status === "stopped")
    throw invalid(`Container cannot be checkpointed in ${status} state`);
  refuseUnsaved(state.spec);
  const folders = makeFolders(deps, given, state);
  const notes = readNotes(state);
  const words = dumpArguments(given, {
    ...folders,
    pid: state.initPid,
    rootfs: state.rootfs,
    cgroups: cgroupsOf(deps, state),
    ...notes,
  });
  await runCriu(deps, words, join(folders.work, "dump.log"));
  if (isOn(given, "pre-dump")) return 0;
  writeFileSync(join(folders.images, NOTES), JSON.stringify(notes));
  if (!isOn(given, "leave-running")) await deleteContainer(deps, state);
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

function readNotes({ spec, initPid }: ContainerState): Notes {
  const mounts = parseMountInfo(readFileSync(`/proc/${initPid}/mountinfo`, "utf8"));
  return {
    outside: findOutsideMounts(spec, mounts),
    streams: [0, 1, 2].map((fd) => nameStream(initPid, fd, mounts)),
  };
}

/** A file that was opened before the container had its root is on a mount that it does not see. */
function nameStream(pid: number, fd: number, mounts: readonly MountInfo[]): string {
  const path = `/proc/${pid}/fd/${fd}`;
  const target = readlinkSync(path);
  if (/^(pipe|socket):\[\d+\]$/.test(target)) return target;
  const [, mount = "0"] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8")) ?? [];
  if (mounts.some(({ id }) => id === Number(mount))) return "";
  return `file[${Number(mount).toString(16)}:${statSync(path).ino.toString(16)}]`;
}

async function runCriu(deps: Deps, words: readonly string[], log: string): Promise<void> {
  const { env, cwd } = deps.caller;
  try {
    await run(criuProgram(deps), words, { env, cwd, maxBuffer: 16 << 20, signal: deps.signal });
  } catch (error) {
    throw criuFailure(error, log);
  }
}

export function criuFailure(error: unknown, log: string): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return systemError('exec: "criu": executable file not found in $PATH');
  return systemError(`criu failed: exit status ${code}\nlog file: ${log}`, { cause: error });
}
