// The forwarders of all containers whose driver carries lines elsewhere, by container.

import type { Background } from "#base/background.ts";
import type { LogSink } from "./drivers/driver.ts";
import { type ForwardJob, forwardLog } from "./forwarder.ts";

export interface ForwardersDeps {
  readonly background: Background;
}

/** How long a removal waits for a receiver, as Docker does. */
const PATIENCE = 10_000;

export class LogForwarders {
  readonly #deps: ForwardersDeps;
  readonly #signal: AbortSignal;
  readonly #active = new Map<string, Forwarding>();

  /** `signal`: the daemon's. What is not delivered then goes on with the next daemon. */
  constructor(deps: ForwardersDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /**
   * Connects for a container that is about to start, and carries its lines from now on. Rejects when there is no receiver.
   * What it resolves to is disposed when the container runs or has failed to.
   */
  async open(id: string, job: ForwardJob, signal: AbortSignal): Promise<Disposable> {
    const running = this.#active.get(id);
    if (running !== undefined) return running.hold();
    const info = job.info();
    const isLate = job.driver.startsUnconnected(info.options);
    return this.#run(id, job, isLate ? undefined : await job.driver.open(info, signal)).hold();
  }

  /** What an earlier daemon has left. */
  resume(id: string, job: ForwardJob): void {
    if (!this.#active.has(id)) this.#run(id, job, undefined);
  }

  /** Resolves when nothing of this container is on its way any more; after a while without a receiver, too. */
  async finish(id: string): Promise<void> {
    const forwarding = this.#active.get(id);
    if (forwarding === undefined) return;
    const timer = setTimeout(() => forwarding.stop(), PATIENCE);
    await forwarding.done.finally(() => clearTimeout(timer));
  }

  #run(id: string, job: ForwardJob, sink: LogSink | undefined): Forwarding {
    const forwarding = new Forwarding(job, this.#signal);
    this.#active.set(id, forwarding);
    this.#deps.background.run(() => forwarding.run(sink, () => this.#active.delete(id)));
    return forwarding;
  }
}

class Forwarding {
  readonly #job: ForwardJob;
  readonly #signal: AbortSignal;
  readonly #stop = new AbortController();
  readonly #done = Promise.withResolvers<void>();
  /** Starts that are on their way: the container has not ended, it has not begun. */
  #starts = 0;
  #released = Promise.withResolvers<void>();

  constructor(job: ForwardJob, signal: AbortSignal) {
    this.#job = job;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  hold(): Disposable {
    this.#starts++;
    return {
      [Symbol.dispose]: () => {
        this.#starts--;
        this.#released.resolve();
        this.#released = Promise.withResolvers<void>();
      },
    };
  }

  stop(): void {
    this.#stop.abort();
  }

  /** `forget` is called before anybody else can look for it. */
  async run(first: LogSink | undefined, forget: () => void): Promise<void> {
    const follow = { ended: () => this.#ended(), changed: (signal: AbortSignal) => this.#changed(signal) };
    const job = { ...this.#job, follow };
    try {
      await forwardLog(job, first, this.#signal);
      while (!this.#ended()) await forwardLog(job, undefined, this.#signal); // started again just then
      this.#job.delivered?.();
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      forget();
      this.#done.resolve();
    }
  }

  #ended(): boolean {
    return this.#starts === 0 && this.#job.follow.ended();
  }

  async #changed(signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    const container = this.#job.follow.changed(either).catch(() => undefined); // aborted
    await Promise.race([container, this.#released.promise]);
    done.abort();
    signal.throwIfAborted();
  }
}
