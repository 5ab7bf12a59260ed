// POST /containers/{id}/wait.

import { invalid } from "#base/errors.ts";
import type { Container } from "./store.ts";

export type WaitCondition = "not-running" | "next-exit" | "removed";

export function parseWaitCondition(text: string): WaitCondition {
  if (text === "" || text === "not-running") return "not-running";
  if (text === "next-exit" || text === "removed") return text;
  throw invalid(`invalid condition: "${text}"`);
}

/** Resolves with the exit code once the condition holds. */
export async function waitForContainer(
  container: Container,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<number> {
  const { exits } = container;
  const holds = (): boolean => {
    if (container.removed || condition === "removed") return container.removed;
    return container.exits > exits || (condition === "not-running" && !container.running);
  };
  await container.until(holds, signal);
  return container.state.exitCode;
}
