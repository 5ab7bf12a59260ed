// Waits on a stream that is waited on many times: no listener stays behind.

import type { EventEmitter } from "node:events";

/** Resolves with the first of these events, "error" too. */
export async function firstEvent(emitter: EventEmitter, names: readonly string[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = (): void => resolve();
  for (const name of names) emitter.once(name, settle);
  await promise;
  for (const name of names) emitter.off(name, settle);
}
