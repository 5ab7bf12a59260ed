// Work that several callers want at once is done once. It goes on while anyone waits for it.

export interface WorkListener<P> {
  readonly onProgress: (progress: P) => void;
  readonly signal: AbortSignal;
}

interface Running<P, T> {
  readonly promise: Promise<T>;
  readonly listeners: Set<(progress: P) => void>;
  readonly controller: AbortController;
  users: number;
}

export class SharedWork<P, T> {
  readonly #running = new Map<string, Running<P, T>>();

  /** Joins the work that runs under the key, or starts it. The work's own signal aborts when its last user has left. */
  async run(
    key: string,
    work: (report: (progress: P) => void, signal: AbortSignal) => Promise<T>,
    { onProgress, signal }: WorkListener<P>,
  ): Promise<T> {
    signal.throwIfAborted();
    const running = this.#running.get(key) ?? this.#start(key, work);
    running.users++;
    running.listeners.add(onProgress);
    const left = Promise.withResolvers<never>();
    const onAbort = (): void => left.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([running.promise, left.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      running.listeners.delete(onProgress);
      running.users--;
      if (running.users === 0) {
        running.controller.abort(signal.reason);
        // Whoever comes now must not join work that is being given up.
        if (this.#running.get(key) === running) this.#running.delete(key);
        // What it holds is given back when this returns.
        await running.promise.catch(() => undefined);
      }
    }
  }

  #start(
    key: string,
    work: (report: (progress: P) => void, signal: AbortSignal) => Promise<T>,
  ): Running<P, T> {
    const listeners = new Set<(progress: P) => void>();
    const controller = new AbortController();
    const report = (progress: P): void => {
      for (const listener of listeners) listener(progress);
    };
    // A step later, so that whoever started it listens already.
    const promise = Promise.resolve().then(() => work(report, controller.signal));
    const running: Running<P, T> = { promise, listeners, controller, users: 0 };
    this.#running.set(key, running);
    const forget = (): void => {
      if (this.#running.get(key) === running) this.#running.delete(key);
    };
    promise.then(forget, forget);
    return running;
  }
}
