// Why a container did not start, in the words and with the exit code that Docker's client reads.

import { EngineError, type ErrorKind } from "#base/errors.ts";

export interface StartFailure {
  readonly message: string;
  /** 126: cannot be invoked; 127: not found; 128: anything else. */
  readonly exitCode: number;
  readonly kind: ErrorKind;
}

const CREATE_FAILED =
  "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";
const EXEC_FAILED = "OCI runtime exec failed: exec failed: unable to start container process: ";

/** Host paths by their mount points in the container. */
type Sources = readonly { readonly destination: string; readonly source: string }[];

export const describeStartFailure = (error: unknown, command: string, mounts: Sources): StartFailure =>
  describe(error, { prefix: CREATE_FAILED, command, mounts });
export const describeExecFailure = (error: unknown, command: string): StartFailure =>
  describe(error, { prefix: EXEC_FAILED, command, mounts: [] });

interface Attempt {
  readonly prefix: string;
  readonly command: string;
  readonly mounts: Sources;
}

export const failureError = ({ kind, message }: StartFailure, cause: unknown): EngineError =>
  new EngineError(kind, message, { cause });

/** A plan's failure reads "<why>: <call>(2): <ERRNO>", also after it has crossed gRPC. */
function describe(error: unknown, attempt: Attempt): StartFailure {
  const text = error instanceof Error ? error.message : String(error);
  const match = /^(.*): (\w+)\(2\): (E[A-Z0-9]+)$/s.exec(text);
  if (match === null) return passThrough(error, text);
  const [, why = "", call = "", code = ""] = match;
  const cause = describeCause({ why, call, code }, attempt);
  return { message: `${attempt.prefix}${cause}: unknown${hintOf(cause)}`, ...classify(cause) };
}

function passThrough(error: unknown, text: string): StartFailure {
  return { message: text, exitCode: 128, kind: error instanceof EngineError ? error.kind : "system" };
}

interface Failure {
  readonly why: string;
  readonly call: string;
  readonly code: string;
}

function describeCause({ why, call, code }: Failure, { command, mounts }: Attempt): string {
  if (call === "execve" || call === "execveat") return describeExec(command, code);
  if (call === "chdir") return describeChdir(why, code);
  const place = /^mounts\[\d+\] (.*)$/s.exec(why)?.[1];
  const mount = mounts.find(({ destination }) => destination === place);
  if (mount === undefined) return `error during container init: ${why}: ${call}: ${wordsOf(code)}`;
  const { source, destination } = mount;
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

const words: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  ENOEXEC: "exec format error",
  EINVAL: "invalid argument",
  ENOSPC: "no space left on device",
  ENOMEM: "cannot allocate memory",
  ELOOP: "too many levels of symbolic links",
  EROFS: "read-only file system",
  EBUSY: "device or resource busy",
  E2BIG: "argument list too long",
  EAGAIN: "resource temporarily unavailable",
  ETXTBSY: "text file busy",
  ENAMETOOLONG: "file name too long",
};
const wordsOf = (code: string): string => words[code] ?? code;
