// GET /images/{name}/history.

import { parseTime } from "#base/clock.ts";
import type { ImageHistoryResponseItem } from "#spec/engine-api/definitions.table.ts";
import { parentOf } from "./family.ts";
import type { ImageDeps } from "./image-deps.ts";
import { type LocalImage, repoTags } from "./local-image.ts";

/** The newest step first. A step has an id if it is an image of its own: the image, and what it was committed from. */
export async function imageHistory(
  deps: Pick<ImageDeps, "catalog" | "sizes">,
  image: Family,
): Promise<readonly ImageHistoryResponseItem[]> {
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
  return nameSteps(items.reverse(), await deps.catalog.list(), image);
}

type Family = Pick<LocalImage, "chainIds" | "config" | "id">;

function nameSteps(
  steps: readonly ImageHistoryResponseItem[],
  all: readonly LocalImage[],
  image: Family,
): readonly ImageHistoryResponseItem[] {
  let member: Family | undefined = image;
  return steps.map((step) => {
    if (member === undefined) return step;
    const known = all.find(({ id }) => id === member?.id);
    const named = { ...step, Id: member.id, Tags: known === undefined ? [] : repoTags(known) };
    member = parentOf(all, member);
    return named;
  });
}
