// DELETE /images/{name}?platforms: takes an image away for some platforms only. Its names and its index stay.

import { conflict } from "#base/errors.ts";
import { shortId } from "#formats/digest.ts";
import type { ImageDeleteResponseItem } from "#spec/engine-api/definitions.table.ts";
import type { Platform } from "#spec/oci-image.ts";
import { formatPlatform } from "#spec/platform.ts";
import type { ImageDeps } from "./image-deps.ts";
import type { ImageContent } from "./local-image.ts";
import { getForPlatform, platformOf } from "./manifests.ts";
import { type RemoveDeps, type RemoveOptions, removeImage } from "./remove.ts";

/** One that is left for no platform at all is removed as a whole. */
export async function removePlatforms(
  deps: RemoveDeps & Pick<ImageDeps, "content">,
  text: string,
  platforms: readonly Platform[],
  options: RemoveOptions,
): Promise<readonly ImageDeleteResponseItem[]> {
  const { image } = await deps.catalog.get(text);
  const chosen = new Set(platforms.map((platform) => getForPlatform(text, image, platform).manifest.digest));
  const all: readonly ImageContent[] = [image, ...image.others];
  if (all.every(({ manifest }) => chosen.has(manifest.digest))) return await removeImage(deps, text, options);
  using _names = await deps.namesLock.acquire();
  const gone = all.filter(({ manifest }) => chosen.has(manifest.digest));
  for (const content of gone) refuseUsed(deps, content, options.force);
  for (const { manifest } of gone) await deps.content.delete(deps.scope, manifest.digest);
  for (const record of image.records) {
    deps.catalog.forget(record.target);
    await deps.images.update(deps.scope, record, []); // what only the manifests referred to is collected
  }
  return gone.map(({ manifest }) => ({ Deleted: manifest.digest }));
}

function refuseUsed({ users }: Pick<RemoveDeps, "users">, content: ImageContent, force: boolean): void {
  const own = users().filter(({ imageId }) => imageId === content.id);
  const user = own.find(({ running }) => running) ?? own[0];
  if (user === undefined || (force && !user.running)) return;
  const [how, state] = user.running ? ["cannot be forced", "running"] : ["must be forced", "stopped"];
  throw conflict(
    `conflict: unable to delete ${shortId(content.id)} for ${formatPlatform(platformOf(content))} (${how}) - image is being used by ${state} container ${shortId(user.id)}`,
  );
}
