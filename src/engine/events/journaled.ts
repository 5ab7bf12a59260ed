// The event bus of one daemon. A watcher is a place in the journal and holds no events of its own: however slow its client is,
// it costs nothing, and it loses events only once they are gone from the journal.

import type { Clock } from "#base/clock.ts";
import type { EngineEvent, EventBus } from "./events.ts";
import type { EventJournal } from "./journal.ts";

/** The newest events, kept decoded: what a watcher that keeps up reads. */
const tailSize = 256;
/** Events that are read from the journal at once. */
const pageSize = 256;

export interface JournaledEventsDeps {
  readonly clock: Clock;
  readonly journal: EventJournal;
  /** Told when an event could not be kept (a full disk). */
  readonly report: (error: unknown) => void;
}

interface Watcher {
  wake: () => void;
}

export class JournaledEvents implements EventBus {
  readonly #clock: Clock;
  readonly #journal: EventJournal;
  readonly #report: (error: unknown) => void;
  readonly #tail: EngineEvent[] = [];
  readonly #watchers = new Set<Watcher>();
  #last: bigint;
  #published = 0;

  constructor({ clock, journal, report }: JournaledEventsDeps) {
    this.#clock = clock;
    this.#journal = journal;
    this.#report = report;
    this.#last = journal.lastTime();
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  /** Since the daemon started. */
  get published(): number {
    return this.#published;
  }

  /** Never throws: the change it tells of is done. */
  publish(event: Omit<EngineEvent, "timeNano">): void {
    const now = this.#clock.now();
    this.#last = now > this.#last ? now : this.#last + 1n; // no two events at the same time, none back in time
    const stamped = { ...event, timeNano: this.#last };
    this.#published++;
    this.#tail.push(stamped);
    if (this.#tail.length > tailSize) this.#tail.shift();
    try {
      this.#journal.append(stamped);
    } catch (error) {
      this.#report(error);
    }
    for (const watcher of this.#watchers) watcher.wake();
  }

  /** Watching begins with the call, not with the first event asked for. Ends, without an error, when the signal aborts. */
  watch(
    { since, until }: { readonly since?: bigint; readonly until?: bigint },
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent> {
    const wantsPast = since !== undefined || until !== undefined;
    const start = wantsPast && (since ?? 0n) <= this.#last ? (since ?? 0n) - 1n : this.#last;
    const rest = until === undefined ? undefined : until - this.#clock.now();
    if (rest !== undefined && rest <= 0n) return this.#read(start, until, () => undefined);
    const deadline = rest === undefined ? signal : AbortSignal.any([signal, timeout(rest)]);
    return this.#follow(start, until, deadline);
  }

  #follow(start: bigint, until: bigint | undefined, deadline: AbortSignal): AsyncIterable<EngineEvent> {
    const watcher: Watcher = { wake: () => undefined };
    const close = (): void => {
      this.#watchers.delete(watcher);
      watcher.wake();
    };
    if (!deadline.aborted) this.#watchers.add(watcher);
    deadline.addEventListener("abort", close, { once: true });
    const next = (): Promise<void> | undefined => {
      if (deadline.aborted) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      watcher.wake = resolve;
      return promise;
    };
    return closing(this.#read(start, until, next), () => {
      deadline.removeEventListener("abort", close);
      close();
    });
  }

  /** `next` tells when there may be more; without it this ends where the journal does. */
  async *#read(
    start: bigint,
    until: bigint | undefined,
    next: () => Promise<void> | undefined,
  ): AsyncGenerator<EngineEvent> {
    let seen = start;
    for (;;) {
      const page = this.#after(seen);
      for (const event of page) {
        if (until !== undefined && event.timeNano > until) return;
        seen = event.timeNano;
        yield event;
      }
      if (page.length > 0) continue;
      const more = next();
      if (more === undefined) return;
      await more;
    }
  }

  #after(time: bigint): readonly EngineEvent[] {
    if (time >= this.#last) return [];
    const oldest = this.#tail[0];
    if (oldest === undefined || time < oldest.timeNano - 1n) {
      const page = this.#journal.after(time, pageSize);
      if (page.length > 0) return page;
    }
    return this.#tail.filter(({ timeNano }) => timeNano > time);
  }
}

const timeout = (nanoseconds: bigint): AbortSignal =>
  AbortSignal.timeout(Math.min(Number(nanoseconds / 1_000_000n) + 1, 2 ** 31 - 1));

async function* closing<T>(source: AsyncIterable<T>, close: () => void): AsyncGenerator<T> {
  try {
    yield* source;
  } finally {
    close();
  }
}
