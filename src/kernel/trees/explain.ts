// Failures of calls on trees, as those of plans are told.

import { LibcError } from "../libc.ts";
import { PlanError } from "../plan/executor.ts";

/** Failures tell why the operation was there. */
export function explained<T>(why: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw explain(why, error);
  }
}

/** What a call refused, with the reason why it was made. */
export function explain(why: string, error: unknown): unknown {
  if (error instanceof LibcError) return new PlanError({ index: 0, why, call: error.call, code: error.code });
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return error;
  return new PlanError({ index: 0, why, call: String(error.syscall), code: String(error.code) });
}
