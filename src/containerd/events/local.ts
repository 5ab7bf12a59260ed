// The event exchange: every subscriber has its own bounded queue, so that a slow one holds up nobody.

import { EngineError } from "#base/errors.ts";
import type { AnyValue } from "../containers/containers.ts";
import { invalidArgument } from "../failures.ts";
import { type Filter, parseFilters } from "../filters.ts";
import { checkIdentifier } from "../identifiers.ts";
import type { Scope } from "../scope.ts";
import { envelopeReader } from "./event-fields.ts";
import type { Envelope, EventExchange } from "./events.ts";
import { type ContainerdEvent, encodeEvent } from "./messages.ts";

const queueLimit = 10_000;

class Subscription {
  readonly #matches: Filter;
  #queue: Envelope[] = [];
  #wake = Promise.withResolvers<void>();
  #lost = false;

  constructor(filters: readonly string[]) {
    this.#matches = parseFilters(filters);
  }

  offer(envelope: Envelope): void {
    if (!this.#matches(envelopeReader(envelope))) return;
    if (this.#queue.length < queueLimit) this.#queue.push(envelope);
    else this.#lost = true;
    this.#wake.resolve();
  }

  async *read(signal: AbortSignal): AsyncGenerator<Envelope> {
    const stop = (): void => this.#wake.resolve();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        const batch = this.#queue;
        this.#queue = [];
        yield* batch;
        if (this.#lost) throw new EngineError("unavailable", "events were lost: the reader is too slow");
        if (this.#queue.length > 0) continue;
        if (!signal.aborted) await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

export class LocalEvents implements EventExchange {
  readonly #now: () => number;
  readonly #subscriptions = new Set<Subscription>();

  constructor(now: () => number) {
    this.#now = now;
  }

  async publish(scope: Scope, topic: string, event: AnyValue): Promise<void> {
    checkIdentifier("namespace validation: ", scope.namespace);
    if (!/^(\/[A-Za-z0-9]+([._-][A-Za-z0-9]+)*)+$/.test(topic))
      throw invalidArgument(`topic ${JSON.stringify(topic)} must be a path of identifiers`);
    this.deliver({ timestamp: new Date(this.#now()), namespace: scope.namespace, topic, event });
  }

  /** Events of the layer itself; encoded only if somebody listens. */
  emit(scope: Scope, event: ContainerdEvent): void {
    if (this.#subscriptions.size === 0) return;
    const timestamp = new Date(this.#now());
    this.deliver({ timestamp, namespace: scope.namespace, topic: event.topic, event: encodeEvent(event) });
  }

  deliver(envelope: Envelope): void {
    for (const subscription of this.#subscriptions) subscription.offer(envelope);
  }

  subscribe(filters: readonly string[], signal: AbortSignal): AsyncIterable<Envelope> {
    const subscription = new Subscription(filters);
    this.#subscriptions.add(subscription);
    const forget = (): void => {
      this.#subscriptions.delete(subscription);
      signal.removeEventListener("abort", forget);
    };
    signal.addEventListener("abort", forget, { once: true });
    if (signal.aborted) forget();
    return disposeAfter(subscription.read(signal), forget);
  }
}

async function* disposeAfter(events: AsyncIterable<Envelope>, end: () => void): AsyncGenerator<Envelope> {
  try {
    yield* events;
  } finally {
    end();
  }
}
