// How long one waits for a shim: a stopped one never answers.

import { setTimeout as sleep } from "node:timers/promises";

/** What the promise resolves or rejects with if it does within this many milliseconds, else undefined; what comes later is no news. */
export async function answerWithin<T>(
  milliseconds: number,
  promise: Promise<T>,
): Promise<{ readonly answer: T } | undefined> {
  const settled = new AbortController();
  const timeout = sleep(milliseconds, undefined, { signal: settled.signal });
  for (const late of [promise, timeout]) late.catch(() => undefined);
  try {
    return await Promise.race([promise.then((answer) => ({ answer })), timeout]);
  } finally {
    settled.abort();
  }
}
