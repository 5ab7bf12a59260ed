// A lock for each name, so that what is slow for one holds up no other.

import { Lock } from "./lock.ts";

export class NamedLocks {
  readonly #locks = new Map<string, { readonly lock: Lock; holders: number }>();

  /** One holder at a time for each name; waiters are served in order. */
  async acquire(name: string): Promise<Disposable> {
    const entry = this.#locks.get(name) ?? { lock: new Lock(), holders: 0 };
    this.#locks.set(name, entry);
    entry.holders++;
    using held = new DisposableStack();
    held.use(await entry.lock.acquire());
    held.defer(() => {
      if (--entry.holders === 0) this.#locks.delete(name);
    });
    return held.move();
  }
}
