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

export const describeStartFailure = (error: unknown, command: string): StartFailure =>
  describe(error, command, CREATE_FAILED);
export const describeExecFailure = (error: unknown, command: string): StartFailure =>
  describe(error, command, EXEC_FAILED);

export const failureError = ({ kind, message }: StartFailure, cause: unknown): EngineError =>
  new EngineError(kind, message, { cause });

/** A plan's failure reads "<why>: <call>(2): <ERRNO>", also after it has crossed gRPC. */
function describe(error: unknown, command: string, prefix: string): StartFailure {
  const text = error instanceof Error ? error.message : String(error);
  const match = /^(.*): (\w+)\(2\): (E[A-Z0-9]+)$/s.exec(text);
  if (match === null) return passThrough(error, text);
  const [, why = "", call = "", code = ""] = match;
  const cause = describeCause({ why, call, code, command });
  return { message: `${prefix}${cause}: unknown${hintOf(code, cause)}`, ...classify(cause) };
}

function passThrough(error: unknown, text: string): StartFailure {
  return { message: text, exitCode: 128, kind: error instanceof EngineError ? error.kind : "system" };
}

interface Failure {
  readonly why: string;
  readonly call: string;
  readonly code: string;
  readonly command: string;
}

function describeCause(failure: Failure): string {
  const { why, call, code, command } = failure;
  if (call === "execve" || call === "execveat" || call === "exec") return describeExec(command, code);
  if (call === "chdir") return describeChdir(why, code);
  return `error during container init: ${why}: ${call}: ${wordsOf(code)}`;
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
function hintOf(code: string, cause: string): string {
  if (code !== "ENOTDIR" || cause.startsWith("exec:")) return "";
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
