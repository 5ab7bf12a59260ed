// POST /volumes/prune: removes volumes that no container refers to.

import { conflict, isKind } from "#base/errors.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { Filters } from "../filters.ts";
import { measureDirectory } from "./measure.ts";
import type { LocalVolumes, Volume } from "./volumes.ts";

export interface VolumePruneDeps {
  readonly volumes: Pick<LocalVolumes, "list" | "remove" | "usersOf">;
  readonly events: Pick<EventBus, "publish">;
}

export interface PrunedVolumes {
  readonly deleted: readonly string[];
  readonly reclaimed: number;
}

/** One at a time. */
export class VolumePruner {
  readonly #deps: VolumePruneDeps;
  #running = false;

  constructor(deps: VolumePruneDeps) {
    this.#deps = deps;
  }

  /** `onlyAnonymous`: unless the filter `all` says otherwise (API 1.42 on). */
  async prune(filters: Filters, onlyAnonymous: boolean, signal: AbortSignal): Promise<PrunedVolumes> {
    filters.validate(onlyAnonymous ? ["label", "label!", "all"] : ["label", "label!"]);
    const named = !onlyAnonymous || filters.flag("all", false);
    if (this.#running) throw conflict("a prune operation is already running");
    this.#running = true;
    try {
      return await this.#prune(filters, named, signal);
    } finally {
      this.#running = false;
    }
  }

  async #prune(filters: Filters, named: boolean, signal: AbortSignal): Promise<PrunedVolumes> {
    const { volumes, events } = this.#deps;
    const deleted: string[] = [];
    let reclaimed = 0;
    for (const volume of volumes.list()) {
      if (signal.aborted) break;
      if (
        volumes.usersOf(volume.name).length > 0 ||
        !(named || volume.anonymous) ||
        !matchesLabels(filters, volume)
      )
        continue;
      const size = await measureDirectory(volume.mountpoint, signal);
      try {
        await volumes.remove(volume.name);
      } catch (error) {
        if (isKind(error, "conflict") || isKind(error, "notFound")) continue; // somebody was faster
        throw error;
      }
      deleted.push(volume.name);
      reclaimed += size;
    }
    events.publish({
      type: "volume",
      action: "prune",
      actorId: "",
      attributes: { reclaimed: String(reclaimed) },
    });
    return { deleted, reclaimed };
  }
}

const matchesLabels = (filters: Filters, { labels }: Volume): boolean =>
  filters.matchPairs("label", labels) && !(filters.has("label!") && filters.matchPairs("label!", labels));
