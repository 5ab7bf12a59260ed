// Deletes directory trees in a process of the zygote's: freeing blocks can take the kernel milliseconds each, which is too long for
// the event loop, and file by file through the thread pool costs more than the deletion. Trees that come meanwhile go together.

import type { Executor } from "./executor.ts";
import type { Plan } from "./ops.ts";

interface Removal {
  readonly path: string;
  readonly done: PromiseWithResolvers<void>;
}

const never = new AbortController().signal;
const batchSize = 64;

export class TreeRemover {
  readonly #executor: Pick<Executor, "run">;
  #waiting: Removal[] = [];
  #busy = false;

  constructor(executor: Pick<Executor, "run">) {
    this.#executor = executor;
  }

  /** Resolves when nothing of it is left, also if there was nothing. Follows no symlink, crosses no mount. */
  remove(path: string): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ path, done });
    if (!this.#busy) void this.#work();
    return done.promise;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchSize);
      if (!(await this.#removeTogether(batch))) await this.#removeEach(batch);
    }
    this.#busy = false;
  }

  async #removeTogether(batch: readonly Removal[]): Promise<boolean> {
    try {
      await this.#executor.run(planRemoval(batch), never);
    } catch (error) {
      const [only] = batch;
      if (batch.length !== 1 || only === undefined) return false;
      only.done.reject(error);
      return true;
    }
    for (const { done } of batch) done.resolve();
    return true;
  }

  /** One that fails must not keep the others. */
  async #removeEach(batch: readonly Removal[]): Promise<void> {
    for (const removal of batch) await this.#removeTogether([removal]);
  }
}

const planRemoval = (batch: readonly Removal[]): Plan =>
  batch.map(({ path }) => ({ op: "removeTree", why: "clean-up", path, missingOk: true }));
