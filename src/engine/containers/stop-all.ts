// The daemon's end: all containers are stopped, and start again with the next daemon if their policy says so.

import type { KillDeps } from "./kill.ts";
import { stopSignalOf } from "./signals.ts";
import { stop } from "./stop.ts";

/** Resolves when all have ended or the signal says that the patience is over. */
export async function stopAllContainers(
  deps: KillDeps & { readonly report: (error: unknown) => void },
  signal: AbortSignal,
): Promise<void> {
  const running = deps.containers.list().filter((container) => container.running);
  await Promise.all(
    running.map(async (container) => {
      const number = stopSignalOf(container.record.config);
      const options = { number, timeout: undefined, manual: false };
      await stop(deps, container, options, signal).catch(deps.report);
    }),
  );
}
