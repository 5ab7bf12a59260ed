// POST /volumes/prune: removes volumes that no container refers to.

import { isKind } from "#base/errors.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { DirectorySizes } from "../disk/directory-sizes.ts";
import type { Filters } from "../filters.ts";
import { PruneTurn, publishPrune } from "../pruning.ts";
import type { Volumes } from "./volumes.ts";

export interface VolumePruneDeps {
  readonly volumes: Pick<Volumes, "plain" | "remove" | "usersOf">;
  readonly events: Pick<EventBus, "publish">;
  readonly sizes: DirectorySizes;
}

export interface PrunedVolumes {
  readonly deleted: readonly string[];
  readonly reclaimed: number;
}

export class VolumePruner {
  readonly #deps: VolumePruneDeps;
  readonly #turn = new PruneTurn();

  constructor(deps: VolumePruneDeps) {
    this.#deps = deps;
  }

  /** `onlyAnonymous`: unless the filter `all` says otherwise (API 1.42 on). */
  async prune(filters: Filters, onlyAnonymous: boolean, signal: AbortSignal): Promise<PrunedVolumes> {
    filters.validate(onlyAnonymous ? ["label", "label!", "all"] : ["label", "label!"]);
    const named = !onlyAnonymous || filters.flag("all", false);
    return this.#turn.run(() => this.#prune(filters, named, signal));
  }

  async #prune(filters: Filters, named: boolean, signal: AbortSignal): Promise<PrunedVolumes> {
    const { volumes, events } = this.#deps;
    const deleted: string[] = [];
    let reclaimed = 0;
    for (const volume of volumes.plain()) {
      if (signal.aborted) break;
      if (
        volumes.usersOf(volume.name).length > 0 ||
        !(named || volume.anonymous) ||
        !filters.matchLabels(volume.labels)
      )
        continue;
      const size = await this.#deps.sizes.size(volume.mountpoint);
      try {
        await volumes.remove(volume.name);
      } catch (error) {
        if (isKind(error, "conflict") || isKind(error, "notFound")) continue; // somebody was faster
        throw error;
      }
      deleted.push(volume.name);
      reclaimed += size;
    }
    publishPrune(events, "volume", reclaimed);
    return { deleted, reclaimed };
  }
}
