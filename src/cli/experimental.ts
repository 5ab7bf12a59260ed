// What a daemon has with --experimental only.

import type { Engine } from "#client/engine.ts";
import { text } from "./grammar/flags.ts";

/** Throws in Docker's words; `what`: a command as it was called, or a flag in quotes. */
export async function requireExperimental(engine: Engine, what: string, signal: AbortSignal): Promise<void> {
  const { experimental } = await engine.client.ping(signal);
  if (!experimental)
    throw new Error(`${what} is only supported on a Docker daemon with experimental features enabled`);
}

export const checkpointDirFlag = text("checkpoint-dir", {
  about: "Use a custom checkpoint storage directory",
});
