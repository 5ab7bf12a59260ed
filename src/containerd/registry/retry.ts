// What may succeed when it is tried again: connections that broke, registries in trouble, registries that ask to be left alone for a while.

import { setTimeout as delay } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";

export interface RetryPolicy {
  readonly attempts: number;
  /** Waited before the second attempt; twice that before the third, and so on. */
  readonly delayMs: number;
}

/** Not a refusal: another attempt may succeed. */
export class TransientError extends EngineError {
  /** The registry's own word (Retry-After). */
  readonly waitMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly waitMs?: number } = {}) {
    super("system", message, options);
    this.waitMs = options.waitMs;
  }
}

/** A registry that wants to be left alone for longer than this is told as an error. */
const MAX_WAIT_MS = 120_000;

/** "120" or an HTTP date, in milliseconds from `now`. */
export function parseRetryAfter(text: string, now: number): number | undefined {
  if (/^[0-9]+$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

export interface RetryRun {
  readonly policy: RetryPolicy;
  /** Seconds until the next attempt, counted down. */
  readonly onWait: (seconds: number) => void;
  readonly signal: AbortSignal;
}

/** `attempt` tells that it came forward before it failed: then the next one follows at once, and waits and count start over. Rejects with
 *  the last failure. */
export async function withRetries<T>(
  { policy, onWait, signal }: RetryRun,
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  for (let idle = 1; ; idle++) {
    let moved = false;
    try {
      return await attempt(() => {
        moved = true;
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientError) || (error.waitMs ?? 0) > MAX_WAIT_MS) throw error;
      if (moved) idle = 0;
      if (idle >= policy.attempts) throw error;
      await pause(error.waitMs ?? policy.delayMs * idle, onWait, signal);
    }
  }
}

async function pause(ms: number, onWait: (seconds: number) => void, signal: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    onWait(Math.ceil(left / 1000));
    await delay(Math.min(left, 1000), undefined, { signal });
  }
}
