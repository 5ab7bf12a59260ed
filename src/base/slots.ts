// A fixed number of places: how many downloads, or unpacking threads, run at once.

export class Slots {
  #taken = 0;
  readonly #limit: () => number;
  readonly #waiting: (() => void)[] = [];

  /** The limit is asked for each time: it may change. */
  constructor(limit: number | (() => number)) {
    this.#limit = typeof limit === "number" ? () => limit : limit;
  }

  /** Whether `acquire` would have to wait. */
  get full(): boolean {
    return this.#taken >= this.#limit();
  }

  /** Places are given in order of asking; disposing gives it back. */
  async acquire(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (!this.full) this.#taken++;
    else await this.#wait(signal);
    return { [Symbol.dispose]: () => this.#release() };
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const index = this.#waiting.indexOf(resolve);
      if (index < 0) return; // the place is ours already: it is given back by who asked
      this.#waiting.splice(index, 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#waiting.push(resolve);
    await promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  #release(): void {
    const next = this.#taken > this.#limit() ? undefined : this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
