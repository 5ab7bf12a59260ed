// Where an image came from, as far as this engine saw it come: the labels of its manifests, not its names, which anybody can give.

import { isKind } from "#base/errors.ts";
import { repositoriesOf } from "#containerd/registry/sources.ts";
import type { ImageDeps } from "./image-deps.ts";
import type { LocalImage } from "./local-image.ts";

/** Repositories that the image was pulled from: "docker.io/library/busybox". */
export async function pulledFrom(
  deps: Pick<ImageDeps, "content" | "scope">,
  image: Pick<LocalImage, "records">,
): Promise<readonly string[]> {
  const digests = new Set(image.records.map(({ target }) => target.digest));
  const labels = await Promise.all([...digests].map((digest) => labelsOf(deps, digest)));
  const sources = labels.flatMap(repositoriesOf);
  return [...new Set(sources)].sort();
}

async function labelsOf(
  { content, scope }: Pick<ImageDeps, "content" | "scope">,
  digest: string,
): Promise<Readonly<Record<string, string>>> {
  try {
    return (await content.info(scope, digest)).labels;
  } catch (error) {
    if (isKind(error, "notFound")) return {}; // it is being removed
    throw error;
  }
}
