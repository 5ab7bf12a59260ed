// Why a container did not start, in the words and with the exit code that Docker's client reads.

import { EngineError, type ErrorKind } from "#base/errors.ts";
import { describePlanFailure, type MountSources } from "#containerd/tasks/runtime-failure.ts";

export interface StartFailure {
  readonly message: string;
  /** 126: cannot be invoked; 127: not found; 128: anything else. */
  readonly exitCode: number;
  readonly kind: ErrorKind;
}

const CREATE_FAILED =
  "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";
const EXEC_FAILED = "OCI runtime exec failed: exec failed: unable to start container process: ";

export const describeStartFailure = (error: unknown, command: string, mounts: MountSources): StartFailure =>
  describe(error, { prefix: CREATE_FAILED, command, mounts });
export const describeExecFailure = (error: unknown, command: string): StartFailure =>
  describe(error, { prefix: EXEC_FAILED, command, mounts: [] });

interface Attempt {
  readonly prefix: string;
  readonly command: string;
  readonly mounts: MountSources;
}

export const failureError = ({ kind, message }: StartFailure, cause: unknown): EngineError =>
  new EngineError(kind, message, { cause });

/** A plan's failure reads "<why>: <call>(2): <ERRNO>", also after it has crossed gRPC. */
function describe(error: unknown, attempt: Attempt): StartFailure {
  const text = error instanceof Error ? error.message : String(error);
  const match = /^(.*): (\w+)\(2\): (E[A-Z0-9]+)$/s.exec(text);
  if (match === null) return passThrough(error, text);
  const [, why = "", call = "", code = ""] = match;
  const cause = describePlanFailure({ why, call, code }, attempt.command, attempt.mounts);
  return { message: `${attempt.prefix}${cause}: unknown${hintOf(cause)}`, ...classify(cause) };
}

function passThrough(error: unknown, text: string): StartFailure {
  return { message: text, exitCode: 128, kind: error instanceof EngineError ? error.kind : "system" };
}

function classify(cause: string): Pick<StartFailure, "exitCode" | "kind"> {
  if (/executable file not found|no such file or directory|not a directory/.test(cause))
    return { exitCode: 127, kind: "invalid" };
  if (/^exec: .*(permission denied|exec format error|is a directory)/.test(cause))
    return { exitCode: 126, kind: "invalid" };
  return { exitCode: 128, kind: "system" };
}

/** Docker's advice about a file mounted on a directory. */
function hintOf(cause: string): string {
  if (!cause.includes("error mounting") || !cause.endsWith("not a directory")) return "";
  return ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type";
}
