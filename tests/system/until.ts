import { setTimeout as delay } from "node:timers/promises";

const PATIENCE_MS = 60_000;

/** Waits until the condition holds, or for a minute: on a busy machine what follows soon may take seconds. Whoever waits asserts then. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition()) && performance.now() < deadline) await delay(20);
}
