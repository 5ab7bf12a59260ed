// The image that a container is to be made from.

import { notFound } from "#base/errors.ts";
import { familiarReference, formatReference, parseAnyReference, withDefaultTag } from "#formats/reference.ts";
import type { Descriptor, ImageDefaults } from "#spec/oci-image.ts";
import { parsePlatform } from "#spec/platform.ts";
import type { ImageDeps } from "./image-deps.ts";
import type { ImageContent } from "./local-image.ts";
import { getForPlatform } from "./manifests.ts";

export interface ResolvedImage {
  /** Digest of the image's configuration. */
  readonly id: string;
  /** The canonical name that the reference resolved to; "" if it was an id. */
  readonly name: string;
  /** The snapshot to prepare the container's root file system from. */
  readonly chainId: string;
  readonly config: ImageDefaults;
  readonly manifest: Descriptor;
}

type ResolveDeps = Pick<ImageDeps, "catalog">;

/** `platform`: os[/arch[/variant]] or "". Rejects notFound "No such image: …". */
export async function resolveImage(
  deps: ResolveDeps,
  text: string,
  platform: string,
): Promise<ResolvedImage> {
  const { content: found, name } = await find(deps, text);
  const content = platform === "" ? found : getForPlatform(text, found, parsePlatform(platform));
  return {
    id: content.id,
    name,
    chainId: content.chainIds.at(-1) ?? "",
    config: content.config.config ?? {},
    manifest: content.manifest,
  };
}

async function find(
  { catalog }: ResolveDeps,
  text: string,
): Promise<{ readonly content: ImageContent; readonly name: string }> {
  const parsed = parseAnyReference(text);
  if (parsed.kind === "name") {
    const content = await catalog.contentOf(parsed.reference);
    if (content !== undefined) return { content, name: formatReference(withDefaultTag(parsed.reference)) };
  }
  const found = await catalog.find(text);
  if (found === undefined)
    throw notFound(
      "image",
      parsed.kind === "id" ? text : familiarReference(withDefaultTag(parsed.reference)),
    );
  return { content: found.image, name: found.name?.record.name ?? "" };
}
