// What a push has to send: the manifest of a name, or its index if all that the index lists is here.

import { EngineError, isKind, systemError } from "#base/errors.ts";
import { familiarReference, type Reference } from "#formats/reference.ts";
import {
  type Descriptor,
  type ImageConfig,
  isForeignLayerType,
  type Manifest,
  type Platform,
} from "#spec/oci-image.ts";
import { formatPlatform, hostPlatform, platformDistance } from "#spec/platform.ts";
import type { ContentStore } from "../content/content.ts";
import type { Scope } from "../scope.ts";
import { hasBlob } from "./download.ts";
import { decodeConfig } from "./image-config.ts";
import { MAX_CONFIG, MAX_MANIFEST, parseManifestDocument } from "./manifest.ts";
import { readDocument } from "./store-document.ts";

export interface ManifestToPush {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

export interface PushPlan {
  /** In the order in which the index lists them. */
  readonly manifests: readonly ManifestToPush[];
  /** What the tag stands for, unless that is the one manifest. */
  readonly index?: { readonly descriptor: Descriptor; readonly bytes: Buffer };
}

export interface PushWanted {
  readonly target: Descriptor;
  readonly reference: Reference;
  readonly platform: Platform | undefined;
}

type Content = Pick<ContentStore, "info" | "read">;

/** Without `platform` the whole index, or else the best manifest of it that is here. Rejects in Docker's words. */
export async function planPush(
  content: Content,
  scope: Scope,
  { target, reference, platform }: PushWanted,
): Promise<PushPlan> {
  const bytes = await readDocument(content, scope, target.digest, MAX_MANIFEST);
  const document = parseManifestDocument(bytes, target.mediaType);
  if (document.kind === "manifest") {
    const only = await readManifest(content, scope, target);
    if (only === undefined) throw systemError(`content of ${target.digest} is missing: not found`);
    if (platform !== undefined && !isOf(platform, only)) throw noPlatform(reference, platform);
    return { manifests: [only] };
  }
  const listed = document.index.manifests;
  const found = await Promise.all(listed.map((descriptor) => readManifest(content, scope, descriptor)));
  const here = found.filter((manifest) => manifest !== undefined);
  if (platform === undefined && here.length === listed.length)
    return { manifests: here, index: { descriptor: target, bytes } };
  return { manifests: [choose(here, reference, platform)] };
}

function choose(
  here: readonly ManifestToPush[],
  reference: Reference,
  platform: Platform | undefined,
): ManifestToPush {
  const wanted = platform ?? hostPlatform();
  const ranked = here
    .map((manifest) => ({ manifest, distance: platformDistance(wanted, platformOf(manifest)) }))
    .filter(({ distance }) => distance !== undefined && (platform === undefined || distance === 0))
    .sort((left, right) => (left.distance ?? 0) - (right.distance ?? 0));
  const best = ranked[0]?.manifest ?? (platform === undefined && here.length === 1 ? here[0] : undefined);
  if (best === undefined) throw noPlatform(reference, wanted);
  return best;
}

const noPlatform = (reference: Reference, platform: Platform): EngineError =>
  new EngineError(
    "notFound",
    `image with reference ${familiarReference(reference)} was found but does not provide the specified platform (${formatPlatform(platform)})`,
  );

function platformOf({ descriptor, config }: ManifestToPush): Platform {
  const { os = "linux", architecture = "", variant } = config;
  return descriptor.platform ?? { os, architecture, ...(variant !== undefined && { variant }) };
}

const isOf = (wanted: Platform, manifest: ManifestToPush): boolean =>
  platformDistance(wanted, platformOf(manifest)) === 0;

/** undefined if a part of it is not here. */
async function readManifest(
  content: Content,
  scope: Scope,
  descriptor: Descriptor,
): Promise<ManifestToPush | undefined> {
  try {
    const bytes = await readDocument(content, scope, descriptor.digest, MAX_MANIFEST);
    const document = parseManifestDocument(bytes, descriptor.mediaType);
    if (document.kind === "index") return undefined;
    const { manifest } = document;
    const config = decodeConfig(await readDocument(content, scope, manifest.config.digest, MAX_CONFIG));
    const own = manifest.layers.filter(({ mediaType }) => !isForeignLayerType(mediaType));
    const here = await Promise.all(own.map(({ digest }) => hasBlob(content, scope, digest)));
    return here.includes(false) ? undefined : { descriptor, bytes, manifest, config };
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}
