// The narrow waist between what TypeScript decides and what the kernel is asked to do.

import type { Plan } from "./ops.ts";

/** Bytes that operations returned (`read`, `netlink`), by their index in the plan. */
export type PlanResult = ReadonlyMap<number, readonly Uint8Array[]>;

/** A failed operation: `${why}: ${call}(2): ${code}`, or `${why}: ${call}` where that is what a program said which was run. */
export class PlanError extends Error {
  override readonly name = "PlanError";
  readonly index: number;
  readonly why: string;
  readonly call: string;
  /** Symbolic errno: "EPERM". */
  readonly code: string;

  constructor(failure: { index: number; why: string; call: string; code: string }) {
    const { why, call, code } = failure;
    super(call.includes(" ") ? `${why}: ${call}` : `${why}: ${call}(2): ${code}`);
    this.index = failure.index;
    this.why = failure.why;
    this.call = failure.call;
    this.code = failure.code;
  }
}

/** A process that a plan has run in. It stays until it is disposed, and what it has mounted and opened with it. */
export interface HeldProcess extends AsyncDisposable {
  readonly pid: number;
}

export interface Executor {
  /** Runs a host-side plan in a process of its own, forked for it: namespaces entered there end with it. */
  run(plan: Plan, signal: AbortSignal): Promise<PlanResult>;
  /** The same, and keeps the process. It ends when the signal is aborted, too. */
  hold(plan: Plan, signal: AbortSignal): Promise<HeldProcess>;
}
