// GET /volumes: which volumes a client asked for.

import type { Filters } from "../filters.ts";
import type { LocalVolumes, Volume } from "./volumes.ts";

export function listVolumes(
  volumes: Pick<LocalVolumes, "list" | "usersOf">,
  filters: Filters,
): readonly Volume[] {
  filters.validate(["dangling", "driver", "label", "name"]);
  const dangling = filters.has("dangling") ? filters.flag("dangling", false) : undefined;
  return volumes
    .list()
    .filter(
      (volume) =>
        (dangling === undefined || (volumes.usersOf(volume.name).length === 0) === dangling) &&
        filters.matchExact("driver", volume.driver) &&
        filters.matchPattern("name", volume.name) &&
        filters.matchPairs("label", volume.labels),
    );
}
