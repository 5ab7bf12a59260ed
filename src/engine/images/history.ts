// GET /images/{name}/history.

import { parseTime } from "#base/clock.ts";
import type { ImageHistoryResponseItem } from "#spec/engine-api/definitions.table.ts";
import type { ImageDeps } from "./image-deps.ts";
import { repoTags } from "./local-image.ts";

/** The newest step first. Only that one has an id: the image's. */
export async function imageHistory(
  deps: Pick<ImageDeps, "catalog" | "sizes">,
  name: string,
): Promise<readonly ImageHistoryResponseItem[]> {
  const { image } = await deps.catalog.get(name);
  const items: ImageHistoryResponseItem[] = [];
  let layer = 0;
  for (const step of image.config.history ?? []) {
    const chainId = step.empty_layer === true ? undefined : image.chainIds[layer++];
    items.push({
      Id: "<missing>",
      Created: Number((parseTime(step.created ?? "") ?? 0n) / 1_000_000_000n),
      CreatedBy: step.created_by ?? "",
      Tags: [],
      Size: chainId === undefined ? 0 : await deps.sizes.size(chainId),
      Comment: step.comment ?? "",
    });
  }
  const newest = items.pop();
  if (newest !== undefined) items.push({ ...newest, Id: image.id, Tags: repoTags(image) });
  return items.reverse();
}
