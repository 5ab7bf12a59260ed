// SCMP_ACT_* as the kernel's SECCOMP_RET_*: the answer in the upper half, its data in the lower one.

import { invalid } from "#base/errors.ts";

const EPERM = 1;

export const SECCOMP_RET: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

export const KILL_THREAD = 0;
export const NOTIFY = "SCMP_ACT_NOTIFY";
export const ERRNO_ENOSYS = 0x00050000 + 38;

const takesData: ReadonlySet<string> = new Set(["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"]);

export function actionValue(action: string, errnoRet: number | undefined): number {
  const value = SECCOMP_RET[action];
  if (value === undefined) throw invalid(`string ${action} is not a valid action for seccomp`);
  if (!takesData.has(action)) {
    if (errnoRet !== undefined && errnoRet !== 0) throw invalid(`errnoRet is not valid for action ${action}`);
    return value;
  }
  const data = errnoRet ?? EPERM;
  if (!Number.isInteger(data) || data < 0 || data > 0xffff) throw invalid(`errnoRet ${data} is not valid`);
  return value + data;
}

/** The kernel's order among filters that disagree: the smaller is obeyed. */
export const strictness = (value: number): number => (value & 0xffff0000) | 0;

/** Answers that let a call happen: calls that a profile does not know are no threat to them. */
const lenient: ReadonlySet<string> = new Set(["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"]);
export const isLenient = (action: string): boolean => lenient.has(action);
