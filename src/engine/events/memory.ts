// The event bus of one daemon: a bounded backlog in memory, and a bounded queue for each watcher.

import type { Clock } from "#base/clock.ts";
import type { EngineEvent, EventBus } from "./events.ts";

/** Past events that `since` can reach. */
const backlogSize = 2048;
/** A watcher that falls behind by more loses the oldest ones, as Docker's slow listeners do. */
const queueSize = 8192;

export class MemoryEvents implements EventBus {
  readonly #clock: Clock;
  readonly #backlog: EngineEvent[] = [];
  readonly #watchers = new Set<Watcher>();
  #last = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  publish(event: Omit<EngineEvent, "timeNano">): void {
    const now = this.#clock.now();
    this.#last = now > this.#last ? now : this.#last + 1n; // no two events at the same time, none back in time
    const stamped = { ...event, timeNano: this.#last };
    this.#backlog.push(stamped);
    if (this.#backlog.length > backlogSize) this.#backlog.shift();
    for (const watcher of this.#watchers) watcher.push(stamped);
  }

  /** Watching begins with the call, not with the first event asked for. */
  watch(
    range: { readonly since?: bigint; readonly until?: bigint },
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent> {
    const { since, until } = range;
    const past =
      since === undefined && until === undefined
        ? []
        : this.#backlog.filter(
            ({ timeNano }) => timeNano >= (since ?? 0n) && (until === undefined || timeNano <= until),
          );
    const rest = until === undefined ? undefined : until - this.#clock.now();
    if (rest !== undefined && rest <= 0n) return toAsync(past);
    const deadline = rest === undefined ? signal : AbortSignal.any([signal, timeout(rest)]);
    if (deadline.aborted) return toAsync(past);
    const watcher = new Watcher(past, deadline);
    this.#watchers.add(watcher);
    deadline.addEventListener("abort", () => this.#watchers.delete(watcher), { once: true });
    return watcher.read(() => this.#watchers.delete(watcher));
  }
}

const timeout = (nanoseconds: bigint): AbortSignal =>
  AbortSignal.timeout(Math.min(Number(nanoseconds / 1_000_000n) + 1, 2 ** 31 - 1));

async function* toAsync(events: readonly EngineEvent[]): AsyncGenerator<EngineEvent> {
  yield* events;
}

class Watcher {
  readonly #queue: EngineEvent[];
  readonly #signal: AbortSignal;
  #wake: (() => void) | undefined;

  constructor(past: readonly EngineEvent[], signal: AbortSignal) {
    this.#queue = [...past];
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  push(event: EngineEvent): void {
    this.#queue.push(event);
    if (this.#queue.length > queueSize) this.#queue.shift();
    this.#wake?.();
  }

  /** Ends, without an error, when the signal aborts. */
  async *read(close: () => void): AsyncGenerator<EngineEvent> {
    try {
      for (;;) {
        for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) yield next;
        if (this.#signal.aborted) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    } finally {
      close();
    }
  }
}
