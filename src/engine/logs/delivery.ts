// Hands batches of messages to a receiver, for as long as it takes, or as the options say.

import { setTimeout as delay } from "node:timers/promises";
import type { LogMessage, LogSink, RetryPolicy } from "./drivers/driver.ts";

export interface DeliveryOptions {
  readonly open: (signal: AbortSignal) => Promise<LogSink>;
  readonly retry: RetryPolicy;
  readonly warn: (message: string) => void;
}

const MAX_WAIT = 60_000;

export class Delivery implements AsyncDisposable {
  readonly #options: DeliveryOptions;
  #sink: LogSink | undefined;

  /** `sink`: opened already. */
  constructor(options: DeliveryOptions, sink: LogSink | undefined) {
    this.#options = options;
    this.#sink = sink;
  }

  /** Resolves when the receiver has them or they were given up; rejects when the signal aborts. */
  async deliver(messages: readonly LogMessage[], signal: AbortSignal): Promise<void> {
    const { retry, warn } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#try(messages, signal);
      if (failure === undefined) {
        if (attempt > 1) warn("the log's receiver takes messages again");
        return;
      }
      if (attempt === 1) warn(`messages wait for the log's receiver: ${failure.message}`);
      if (attempt >= retry.attempts) {
        warn(`${messages.length} log messages were given up after ${attempt} attempts: ${failure.message}`);
        return;
      }
      await delay(Math.min(retry.wait * 1.5 ** (attempt - 1), MAX_WAIT), undefined, { signal });
    }
  }

  async #try(messages: readonly LogMessage[], signal: AbortSignal): Promise<Error | undefined> {
    try {
      this.#sink ??= await this.#options.open(signal);
      await this.#sink.send(messages, signal);
      return undefined;
    } catch (error) {
      await this.#close();
      signal.throwIfAborted();
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async #close(): Promise<void> {
    await using _broken = this.#sink;
    this.#sink = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
