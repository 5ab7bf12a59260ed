// The manifests below what a name stands for: one for each platform, whether its content is here or not.

import { DecodeError } from "#base/decode.ts";
import { EngineError, isKind } from "#base/errors.ts";
import { MAX_INDEX_DEPTH, MAX_MANIFEST, parseManifestDocument } from "#containerd/registry/manifest.ts";
import { readDocument } from "#containerd/registry/store-document.ts";
import { type Descriptor, decodeManifest, isIndexType, type Platform } from "#spec/oci-image.ts";
import { formatPlatform, platformDistance } from "#spec/platform.ts";
import type { ImageDeps } from "./image-deps.ts";
import type { ImageContent } from "./local-image.ts";

export interface ImageManifest {
  readonly descriptor: Descriptor;
  readonly kind: "image" | "attestation" | "unknown";
  /** All of it is in the content store. */
  readonly available: boolean;
  /** Bytes of it that are in the content store. */
  readonly contentSize: number;
  /** Of an image whose manifest and configuration are here. */
  readonly content?: ImageContent;
  /** Of an attestation: the digest of what it is about. */
  readonly attests?: string;
}

type ManifestDeps = Pick<ImageDeps, "catalog" | "content" | "scope">;

/** Annotations that BuildKit gives to attestations. */
const KIND = "vnd.docker.reference.type";
const SUBJECT = "vnd.docker.reference.digest";

/** In the order of the index, each once; nothing if the index is not here itself. */
export async function listManifests(
  deps: ManifestDeps,
  target: Descriptor,
): Promise<readonly ImageManifest[]> {
  const { manifests } = await descend(deps, target);
  return await Promise.all(manifests.map((descriptor) => describe(deps, descriptor)));
}

/** Digests of the indexes and of the attestations with all their parts, as far as they are here. */
export async function listDocuments(deps: ManifestDeps, target: Descriptor): Promise<readonly string[]> {
  const { indexes, manifests } = await descend(deps, target);
  const attestations = await Promise.all(
    manifests.filter(isAttestation).map(async (descriptor) => await partsOf(deps, descriptor)),
  );
  const parts = attestations.flat().map(({ digest }) => digest);
  const sizes = await Promise.all(parts.map((digest) => findSize(deps, digest)));
  return [...indexes, ...parts.filter((_, at) => sizes[at] !== undefined)];
}

interface Below {
  /** Digests. */
  readonly indexes: readonly string[];
  readonly manifests: readonly Descriptor[];
}

async function descend(deps: ManifestDeps, target: Descriptor): Promise<Below> {
  const manifests = new Map<string, Descriptor>();
  const indexes = new Set<string>();
  let level: readonly Descriptor[] = [target];
  for (let depth = 0; depth <= MAX_INDEX_DEPTH && level.length > 0; depth++) {
    const below: Descriptor[] = [];
    for (const descriptor of level) {
      const { digest, mediaType } = descriptor;
      if (!isIndexType(mediaType)) manifests.set(digest, descriptor);
      if (!isIndexType(mediaType) || indexes.has(digest)) continue;
      const document = await readIfHere(deps, descriptor);
      if (document?.kind !== "index") continue;
      indexes.add(digest);
      below.push(...document.index.manifests);
    }
    level = below;
  }
  return { indexes: [...indexes], manifests: [...manifests.values()] };
}

async function readIfHere({ content, scope }: ManifestDeps, { digest, mediaType }: Descriptor) {
  try {
    return parseManifestDocument(await readDocument(content, scope, digest, MAX_MANIFEST), mediaType);
  } catch (error) {
    // Documents that are no image's are told of, not judged.
    if (isKind(error, "notFound") || isKind(error, "invalid")) return undefined;
    throw error;
  }
}

async function describe(deps: ManifestDeps, descriptor: Descriptor): Promise<ImageManifest> {
  const attests = isAttestation(descriptor) ? descriptor.annotations?.[SUBJECT] : undefined;
  const parts = await partsOf(deps, descriptor);
  const sizes = await Promise.all(parts.map(({ digest }) => findSize(deps, digest)));
  const content = attests === undefined ? await findContent(deps, descriptor) : undefined;
  // One that is here and cannot be read as an image is something else.
  const isOther = content === undefined && sizes[0] !== undefined;
  return {
    descriptor,
    kind: attests !== undefined ? "attestation" : isOther ? "unknown" : "image",
    available: parts.length > 1 && sizes.every((size) => size !== undefined),
    contentSize: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0),
    ...(content !== undefined && { content }),
    ...(attests !== undefined && { attests }),
  };
}

const isAttestation = ({ annotations }: Descriptor): boolean =>
  annotations?.[KIND] === "attestation-manifest";

/** The manifest, and if it is here its configuration and layers, whatever they are. */
async function partsOf(
  { content, scope }: ManifestDeps,
  descriptor: Descriptor,
): Promise<readonly Descriptor[]> {
  try {
    const bytes = await readDocument(content, scope, descriptor.digest, MAX_MANIFEST);
    const { config, layers } = decodeManifest(JSON.parse(bytes.toString()), "");
    return [descriptor, config, ...layers];
  } catch (error) {
    if (isKind(error, "notFound") || error instanceof DecodeError || error instanceof SyntaxError)
      return [descriptor];
    throw error;
  }
}

async function findSize({ content, scope }: ManifestDeps, digest: string): Promise<number | undefined> {
  try {
    return (await content.info(scope, digest)).size;
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

async function findContent(
  { catalog }: ManifestDeps,
  descriptor: Descriptor,
): Promise<ImageContent | undefined> {
  try {
    return await catalog.content(descriptor);
  } catch (error) {
    if (isKind(error, "notFound") || isKind(error, "invalid")) return undefined;
    throw error;
  }
}

/** What the configuration says; an index may say it more briefly. */
export function platformOf({ config }: Pick<ImageContent, "config">): Platform {
  const { os = "linux", architecture = "", variant } = config;
  const version = config["os.version"];
  return {
    architecture,
    os,
    ...(version !== undefined && { "os.version": version }),
    ...(variant !== undefined && { variant }),
  };
}

/** The image for a platform, the best there is. An image that does not say what it is for fits any. Rejects notFound in
 *  Docker's words; `text` is what the user called it. */
export function getForPlatform<T extends ImageContent>(text: string, image: T, wanted: Platform): T {
  const [best] = [image, ...image.others]
    .map((content) => ({ content, distance: distanceTo(wanted, content) }))
    .filter(({ distance }) => distance !== undefined)
    .sort((left, right) => (left.distance ?? 0) - (right.distance ?? 0));
  if (best !== undefined) return { ...image, ...best.content, others: image.others };
  throw new EngineError(
    "notFound",
    `image with reference ${text} was found but its platform (${formatPlatform(platformOf(image))}) does not match the specified platform (${formatPlatform(wanted)})`,
  );
}

function distanceTo(wanted: Platform, content: ImageContent): number | undefined {
  const platform = platformOf(content);
  return platform.architecture === "" ? 1000 : platformDistance(wanted, platform);
}
