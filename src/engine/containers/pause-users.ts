// Pauses whoever writes to a volume, for as long as it is copied.

import { type PauseDeps, pauseBriefly } from "./pause.ts";

/** Containers that run and have it writable. Rejects, and pauses none, if one cannot be paused. */
export async function pauseUsers(deps: PauseDeps, volume: string): Promise<AsyncDisposable> {
  await using paused = new AsyncDisposableStack();
  for (const { id, record } of deps.containers.list()) {
    const writes = record.mounts.some(
      ({ type, name, writable }) => type === "volume" && name === volume && writable,
    );
    if (writes) paused.use(await pauseBriefly(deps, id));
  }
  return paused.move();
}
