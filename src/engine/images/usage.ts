// What images take on disk: GET /system/df.

import { Filters } from "#engine/filters.ts";
import type { ImageDeps } from "./image-deps.ts";
import { type ListedImage, listImages } from "./list.ts";
import type { LocalImage } from "./local-image.ts";
import { layersOf } from "./remove.ts";

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
  const listed = await listImages(deps, new Filters(new Map()), true);
  const all = listed.map(({ image }) => image);
  const containers = countUsers(deps);
  const shared = sharedSizes(deps, all);
  const images = listed.map(async (one) => ({
    listed: one,
    sharedSize: await shared(one.image),
    containers: containers(one.image),
  }));
  const layers = new Set(all.flatMap(layersOf));
  return { images: await Promise.all(images), layersSize: await deps.sizes.total([...layers]) };
}

/** Bytes of those layers of an image that another one of `all` has too. */
export function sharedSizes(
  { sizes }: Pick<ImageDeps, "sizes">,
  all: readonly LocalImage[],
): (image: LocalImage) => Promise<number> {
  const uses = new Map<string, number>();
  for (const chainId of all.flatMap(layersOf)) uses.set(chainId, (uses.get(chainId) ?? 0) + 1);
  return (image) =>
    sizes.total([...new Set(image.chainIds)].filter((chainId) => (uses.get(chainId) ?? 0) > 1));
}

/** How many containers, running or not, an image has now, for all its platforms. */
export function countUsers({ users }: Pick<ImageDeps, "users">): (image: LocalImage) => number {
  const counts = new Map<string, number>();
  for (const { imageId } of users()) counts.set(imageId, (counts.get(imageId) ?? 0) + 1);
  return (image) => [image, ...image.others].reduce((sum, { id }) => sum + (counts.get(id) ?? 0), 0);
}
