// Images that were made from another one here, and from those. Images that were pulled do not say what they were made from.

import type { ImageCatalog } from "./catalog.ts";

/** Their ids, and the image's own. */
export async function findDescendants(
  catalog: Pick<ImageCatalog, "list">,
  imageId: string,
): Promise<ReadonlySet<string>> {
  const children = Map.groupBy(await catalog.list(), ({ config }) => config.parent ?? "");
  const found = new Set([imageId]);
  for (const id of found) for (const child of children.get(id) ?? []) found.add(child.id);
  return found;
}
