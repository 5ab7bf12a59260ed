// What a command's client does for the resident that serves it: it is the parent of what is started, and runs host plans.

import type { Executor } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Caller } from "./caller.ts";

export interface ChildRequest {
  readonly plan: Plan;
  /** How many descriptors from 3 on it keeps. */
  readonly preservedFds: number;
  /** The client stays and forwards signals. */
  readonly foreground: boolean;
}

/** A process that stands at its start point, or runs its program if the plan has none. */
export interface Child {
  readonly pid: number;
  /** Past the start point. */
  go(): void;
  /** Resolves when the program runs; rejects with PlanError if it could not. */
  readonly executed: Promise<void>;
  /** Resolves to its exit code. */
  wait(): Promise<number>;
}

export interface Client extends Caller {
  readonly executor: Pick<Executor, "run">;
  /** Only one; rejects with PlanError. */
  spawn(request: ChildRequest): Promise<Child>;
}
