// Removes sandboxes after the reply. The kernel takes its time over the interfaces, and many namespaces go as fast as one:
// so they are left to it, and only what is still there after a while is removed by name.

import { setTimeout as delay } from "node:timers/promises";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import { linkExists } from "./link-exists.ts";
import { planLinkRemoval, planRemoval } from "./sandbox-plan.ts";

export interface Remains {
  readonly path: string;
  /** Interfaces on the host that go with it. */
  readonly hostNames?: readonly string[];
}

interface Removal {
  readonly remains: Remains;
  readonly done: () => void;
}

export interface RemoverDeps {
  readonly executor: Executor;
  readonly warn: (message: string) => void;
}

const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 640;

const never = new AbortController().signal;

export class SandboxRemover {
  readonly #deps: RemoverDeps;
  #waiting: Removal[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(deps: RemoverDeps) {
    this.#deps = deps;
  }

  /** `done` is called once it is gone, interface and all. A failure is a warning: nobody waits for it. */
  removeLater(remains: Remains, done: () => void): void {
    this.#waiting.push({ remains, done });
    if (this.#waiting.length > 1) return;
    const running: Promise<void> = this.#removeWaiting()
      .catch((error: unknown) => this.#deps.warn(`network sandboxes are left: ${String(error)}`))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Everything asked for until now is gone. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Tolerates what is half made. Interfaces may go a little later. */
  async removeNow(paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.#try(planRemoval([path]), path);
  }

  async #removeWaiting(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve)); // others may come with it
    const batch = this.#waiting;
    this.#waiting = [];
    const paths = batch.map(({ remains }) => remains.path);
    if (!(await this.#try(planRemoval(paths), "removal"))) await this.removeNow(paths);
    await this.#linksGone(batch.flatMap(({ remains: { hostNames } }) => hostNames ?? []));
    for (const { done } of batch) done();
  }

  async #linksGone(names: readonly string[]): Promise<void> {
    let left = names;
    for (let wait = FIRST_LOOK_MS; wait <= LAST_LOOK_MS && left.length > 0; wait *= 2) {
      await delay(wait);
      const present = await Promise.all(left.map(linkExists));
      left = left.filter((_, index) => present[index]);
    }
    // Somebody else is in the namespace.
    await this.#try(planLinkRemoval(left), left.join(" "));
  }

  async #try(plan: Parameters<Executor["run"]>[0], what: string): Promise<boolean> {
    if (plan.length === 0) return true;
    try {
      await this.#deps.executor.run(plan, never);
      return true;
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      this.#deps.warn(`network sandbox ${what}: ${error.message}`);
      return false;
    }
  }
}
