// POST /images/prune: deletes images that nothing uses.

import { isKind } from "#base/errors.ts";
import { Filters } from "#engine/filters.ts";
import { PruneTurn, publishPrune, readUntil } from "#engine/pruning.ts";
import { familiarReference } from "#formats/reference.ts";
import type { ImageDeleteResponseItem } from "#spec/engine-api/definitions.table.ts";
import { hasChildren } from "./family.ts";
import type { ImageDeps } from "./image-deps.ts";
import { imageFilter } from "./list.ts";
import { isTagged, type LocalImage } from "./local-image.ts";
import { layersThatGo, removeImage } from "./remove.ts";

export interface PruneReport {
  readonly deleted: readonly ImageDeleteResponseItem[];
  readonly reclaimed: number;
}

export class ImagePruner {
  readonly #deps: ImageDeps;
  readonly #turn = new PruneTurn();

  constructor(deps: ImageDeps) {
    this.#deps = deps;
  }

  /** Nameless images only, unless the filter says dangling=false. */
  async prune(filters: Filters, signal: AbortSignal): Promise<PruneReport> {
    filters.validate(["dangling", "label", "label!", "until"]);
    const danglingOnly = filters.flag("dangling", true);
    readUntil(filters, this.#deps.clock.now());
    return this.#turn.run(async () => this.#prune(await this.#chosen(filters, danglingOnly), signal));
  }

  async #chosen(filters: Filters, danglingOnly: boolean): Promise<readonly LocalImage[]> {
    const others = new Filters(
      new Map(
        ["label", "label!", "until"]
          .filter((key) => filters.has(key))
          .map((key) => [key, filters.values(key)]),
      ),
    );
    const keeps = await imageFilter(this.#deps, others);
    const all = await this.#deps.catalog.list();
    const goes = (image: LocalImage): boolean =>
      image.names.length > 0 ? !(danglingOnly && image.names.some(isTagged)) : !hasChildren(all, image.id);
    return all.filter((image) => goes(image) && keeps(image));
  }

  async #prune(images: readonly LocalImage[], signal: AbortSignal): Promise<PruneReport> {
    const deleted: ImageDeleteResponseItem[] = [];
    let reclaimed = 0;
    for (const image of images) {
      if (signal.aborted) break;
      const layers = await layersThatGo(this.#deps, image);
      const size = await this.#deps.sizes.total(layers);
      const gone = await this.#remove(image);
      deleted.push(...gone);
      if (gone.some(({ Deleted: id }) => id === image.id)) reclaimed += size;
    }
    publishPrune(this.#deps.events, "image", reclaimed);
    return { deleted, reclaimed };
  }

  /** By its names, each for itself: an image in use keeps its last one, also if it came into use just now. */
  async #remove(image: LocalImage): Promise<readonly ImageDeleteResponseItem[]> {
    const names = image.names.map(({ reference }) => familiarReference(reference));
    const targets = names.length > 0 ? names : [image.id];
    const deleted: ImageDeleteResponseItem[] = [];
    for (const target of targets)
      try {
        deleted.push(...(await removeImage(this.#deps, target, { force: false, prune: true })));
      } catch (error) {
        if (!isKind(error, "conflict") && !isKind(error, "notFound")) throw error;
      }
    return deleted;
  }
}
