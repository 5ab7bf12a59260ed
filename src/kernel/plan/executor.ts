// The narrow waist between what TypeScript decides and what the kernel is asked to do.

import type { Op, Plan } from "./ops.ts";

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

/** Operations sent one at a time to one process, with back-pressure: unpacking a layer. */
export interface PlanStream extends AsyncDisposable {
  /** Resolves when more may be written; rejects with PlanError once an operation has failed. */
  write(op: Op): Promise<void>;
  /** All operations are done; resolves with their results. */
  end(): Promise<PlanResult>;
}

export interface Executor {
  /** Runs a host-side plan in a process of its own, forked for it: namespaces entered there end with it. */
  run(plan: Plan, signal: AbortSignal): Promise<PlanResult>;
  openStream(signal: AbortSignal): Promise<PlanStream>;
}
