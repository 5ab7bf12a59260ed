// Failures in runc's words: tools that call it read them.

import { invalid } from "#base/errors.ts";
import { PlanError } from "#kernel/plan/executor.ts";

/** What ends the command: the message and the exit code. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly code: number;

  constructor(message: string, { code, cause }: { readonly code: number; readonly cause: unknown }) {
    super(message, { cause });
    this.code = code;
  }
}

/** A failure as it is told: those of files as Go tells them, "open /x: no such file or directory". */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, reason, call, path] = /^[A-Z0-9]+: (.*), (\w+) '(.*?)'(?: -> .*)?$/.exec(error.message) ?? [];
  return "code" in error && path !== undefined ? `${call} ${path}: ${reason}` : error.message;
}

export const missingContainer = (): Error => invalid("container does not exist");

/** A failed operation of the start of `program`, told as runc does. */
export function startFailure(error: unknown, program: string): Error {
  if (!(error instanceof PlanError)) return error instanceof Error ? error : new Error(String(error));
  const told = error.call.startsWith("exec") ? programFailure(error.code, program) : planFailure(error);
  return new Error(`unable to start container process: ${told}`, { cause: error });
}

const planFailure = ({ call, message }: PlanError): string =>
  call.startsWith("connect") && message.startsWith("seccomp agent")
    ? `failed to connect with seccomp agent specified in the seccomp profile: ${message}`
    : message;

function programFailure(code: string, program: string): string {
  const isPath = program.includes("/");
  if (code === "ENOENT" && isPath) return `exec: "${program}": stat ${program}: no such file or directory`;
  if (code === "ENOENT") return `exec: "${program}": executable file not found in $PATH`;
  if (code === "EACCES") return `exec: "${program}": permission denied`;
  if (code === "ENOEXEC") return `exec ${program}: exec format error`;
  return `exec: "${program}": ${code}`;
}
