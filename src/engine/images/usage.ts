// What images take on disk: GET /system/df.

import { Filters } from "#engine/filters.ts";
import type { ImageDeps } from "./image-deps.ts";
import { type ListedImage, listImages } from "./list.ts";

export interface ImageUsage {
  readonly listed: ListedImage;
  /** Bytes of layers that other images have too. */
  readonly sharedSize: number;
  readonly containers: number;
}

export interface ImagesUsage {
  readonly images: readonly ImageUsage[];
  /** Each layer counted once. */
  readonly layersSize: number;
}

export async function measureImages(
  deps: Pick<ImageDeps, "catalog" | "clock" | "sizes" | "users">,
): Promise<ImagesUsage> {
  const listed = await listImages(deps, new Filters(new Map()));
  const uses = new Map<string, number>();
  for (const { image } of listed)
    for (const chainId of new Set(image.chainIds)) uses.set(chainId, (uses.get(chainId) ?? 0) + 1);
  const containers = countUsers(deps);
  const images = listed.map(async (one) => ({
    listed: one,
    sharedSize: await deps.sizes.total(one.image.chainIds.filter((chainId) => (uses.get(chainId) ?? 0) > 1)),
    containers: containers(one.image.id),
  }));
  return { images: await Promise.all(images), layersSize: await deps.sizes.total([...uses.keys()]) };
}

/** How many containers, running or not, an image has now, by its id. */
export function countUsers({ users }: Pick<ImageDeps, "users">): (imageId: string) => number {
  const counts = new Map<string, number>();
  for (const { imageId } of users()) counts.set(imageId, (counts.get(imageId) ?? 0) + 1);
  return (imageId) => counts.get(imageId) ?? 0;
}
