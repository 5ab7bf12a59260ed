// GET /volumes: which volumes a client asked for.

import type { Filters } from "../filters.ts";
import type { VolumeList } from "./catalog.ts";
import type { Volumes } from "./volumes.ts";

export async function listVolumes(
  volumes: Pick<Volumes, "list" | "usersOf">,
  filters: Filters,
  signal: AbortSignal,
): Promise<VolumeList> {
  filters.validate(["dangling", "driver", "label", "name"]);
  const dangling = filters.has("dangling") ? filters.flag("dangling", false) : undefined;
  const all = await volumes.list(signal);
  return {
    ...all,
    volumes: all.volumes.filter(
      (volume) =>
        (dangling === undefined || (volumes.usersOf(volume.name).length === 0) === dangling) &&
        filters.matchExact("driver", volume.driver) &&
        filters.matchPattern("name", volume.name) &&
        filters.matchPairs("label", volume.labels),
    ),
  };
}
