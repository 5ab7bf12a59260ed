// Removes sandboxes after the reply: the kernel takes its time over it, and many go as fast as one.

import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import { planRemoval, type Remains } from "./sandbox-plan.ts";

interface Removal {
  readonly remains: Remains;
  readonly done: () => void;
}

const never = new AbortController().signal;

export class SandboxRemover {
  readonly #deps: { readonly executor: Executor; readonly warn: (message: string) => void };
  #waiting: Removal[] = [];
  #running: Promise<void> | undefined;

  constructor(deps: { readonly executor: Executor; readonly warn: (message: string) => void }) {
    this.#deps = deps;
  }

  /** `done` is called once it is gone. */
  removeLater(remains: Remains, done: () => void): void {
    this.#waiting.push({ remains, done });
    this.#running ??= this.#work();
  }

  /** Everything asked for until now is gone. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Tolerates what is half made. */
  async removeNow(remains: readonly Remains[]): Promise<void> {
    for (const each of remains) {
      try {
        await this.#deps.executor.run(planRemoval([each]), never);
      } catch (error) {
        if (!(error instanceof PlanError)) throw error;
        this.#deps.warn(`network sandbox ${each.path}: ${error.message}`);
      }
    }
  }

  async #work(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#deps.executor.run(planRemoval(batch.map(({ remains }) => remains)), never);
      } catch {
        await this.removeNow(batch.map(({ remains }) => remains));
      }
      for (const { done } of batch) done();
    }
    this.#running = undefined;
  }
}
