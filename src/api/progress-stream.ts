// An answer that streams progress. What fails before the first message is an ordinary error with its status;
// what fails after it, or in a stream that begins at once, is the stream's last message.

import {
  type Emit,
  encodeProgress,
  errorMessage,
  type ProgressMessage,
} from "#engine/images/progress-messages.ts";
import { toHttpFailure } from "./failures.ts";
import type { ApiResponse } from "./router.ts";

/** Bars that a slow client has not read yet are dropped beyond this. */
const MAX_QUEUED = 1000;

export async function streamProgress(
  run: (emit: Emit) => Promise<void>,
  begins: "at once" | "with the first message" = "with the first message",
): Promise<ApiResponse> {
  const queue = new ProgressQueue();
  const ended = run((message) => queue.push(message)).finally(() => queue.end());
  // Later failures are told by the stream; if nobody reads it any more, by nobody.
  ended.catch(() => undefined);
  if (begins === "with the first message") await Promise.race([queue.first, ended]);
  return { kind: "stream", status: 200, contentType: "application/json", chunks: encode(queue, ended) };
}

async function* encode(queue: ProgressQueue, ended: Promise<void>): AsyncGenerator<string> {
  for await (const message of queue) yield encodeProgress(message);
  try {
    await ended;
  } catch (error) {
    yield encodeProgress(errorMessage(toHttpFailure(error).message));
  }
}

class ProgressQueue {
  readonly first: Promise<void>;
  readonly #messages: ProgressMessage[] = [];
  readonly #started: () => void;
  #wake: () => void = () => undefined;
  #ended = false;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.first = promise;
    this.#started = resolve;
  }

  push(message: ProgressMessage): void {
    if (this.#messages.length >= MAX_QUEUED && message.progress !== undefined) return;
    this.#messages.push(message);
    this.#started();
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ProgressMessage> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        yield message;
      } else if (this.#ended) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}
