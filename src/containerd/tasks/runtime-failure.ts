// A plan that failed, in runc's words: clients print them, and dockerd reads its exit codes from them.

import { wordsOf } from "#base/errno-words.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import { ToldPlanError } from "../plan-error-codec.ts";

/** Host paths by their mount points in the container. */
export type MountSources = readonly { readonly destination: string; readonly source?: string }[];

export interface PlanFailure {
  readonly why: string;
  readonly call: string;
  readonly code: string;
}

const CREATE_FAILED =
  "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";
const EXEC_FAILED = "OCI runtime exec failed: exec failed: unable to start container process: ";

interface Attempt {
  /** "" is the container's init. */
  readonly execId: string;
  readonly findMounts: () => Promise<MountSources>;
}

/** What fails is told to containerd's clients as its own shim tells it; our own still get the plan's error. */
export async function toldByRuntime<T>({ execId, findMounts }: Attempt, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const command = /^process\.args (.*)$/s.exec(error.why)?.[1] ?? "";
    const mounts = await findMounts().catch(() => []);
    const prefix = execId === "" ? CREATE_FAILED : EXEC_FAILED;
    throw new ToldPlanError(`${prefix}${describePlanFailure(error, command, mounts)}`, { cause: error });
  }
}

/** `command`: the program that was to be started. */
export function describePlanFailure(
  { why, call, code }: PlanFailure,
  command: string,
  mounts: MountSources,
): string {
  if (call === "execve" || call === "execveat") return describeExec(command, code);
  if (call === "chdir") return describeChdir(why, code);
  const place = /^mounts\[\d+\] (.*)$/s.exec(why)?.[1];
  const mount = mounts.find(({ destination }) => destination === place);
  if (mount === undefined) return `error during container init: ${why}: ${call}: ${wordsOf(code)}`;
  const { source = "", destination } = mount;
  // move_mount(2) of a file onto a directory, or the other way round, is EINVAL; mount(2) says ENOTDIR.
  const words = wordsOf(call === "move_mount" && code === "EINVAL" ? "ENOTDIR" : code);
  return `error during container init: error mounting "${source}" to rootfs at "${destination}": mount ${source}:${destination}: ${words}`;
}

function describeExec(command: string, code: string): string {
  if (code === "ENOENT" || code === "ENOTDIR")
    return command.includes("/")
      ? `exec: "${command}": stat ${command}: ${wordsOf(code)}`
      : `exec: "${command}": executable file not found in $PATH`;
  return `exec: "${command}": ${wordsOf(code)}`;
}

function describeChdir(why: string, code: string): string {
  const directory = /(\/\S*)/.exec(why)?.[1] ?? "";
  return `chdir to cwd ("${directory}") set in config.json failed: ${wordsOf(code)}`;
}
