// Manifests from a registry, with the platform that their image is for.

import { isRecord } from "#base/decode.ts";
import { digestOf } from "#formats/digest.ts";
import { formatReference, type Reference } from "#formats/reference.ts";
import { decodeIndex, decodeManifest, isIndexType, isManifestType, type Platform } from "#spec/oci-image.ts";
import type { ImageManifest } from "./image-manifest.ts";
import type { ManifestRegistry, ManifestSource } from "./manifest-registry.ts";

/** Rejects in Docker's words if there is none, or a list. */
export async function fetchManifest(
  registry: ManifestRegistry,
  reference: Reference,
  signal: AbortSignal,
): Promise<ImageManifest> {
  return await registry.ask(reference, (source) => readManifest(source, reference, signal), signal);
}

/** All that a list names, each with the platform that the list tells. */
export async function fetchManifestList(
  registry: ManifestRegistry,
  reference: Reference,
  signal: AbortSignal,
): Promise<readonly ImageManifest[]> {
  return await registry.ask(reference, (source) => readList(source, reference, signal), signal);
}

async function readManifest(
  source: ManifestSource,
  reference: Reference,
  signal: AbortSignal,
): Promise<ImageManifest> {
  const { mediaType, text } = await source.getManifest(wantedOf(reference), signal);
  if (isIndexType(mediaType)) throw new Error(`${formatReference(reference)} is a manifest list`);
  if (!isManifestType(mediaType)) throw new Error(`${formatReference(reference)} is not a manifest`);
  const bytes = Buffer.from(text);
  const digest = digestOf(bytes);
  if (reference.digest !== undefined && reference.digest !== digest)
    throw new Error(`manifest verification failed for digest ${reference.digest}`);
  const { config } = decodeManifest(JSON.parse(text), "");
  const platform = platformOf(JSON.parse((await source.getBlob(config.digest, signal)).toString()));
  return { reference, descriptor: { mediaType, digest, size: bytes.length, platform }, text };
}

async function readList(
  source: ManifestSource,
  reference: Reference,
  signal: AbortSignal,
): Promise<readonly ImageManifest[]> {
  const { mediaType, text } = await source.getManifest(wantedOf(reference), signal);
  if (!isIndexType(mediaType)) throw new Error(`unsupported manifest format: ${mediaType}`);
  const images: ImageManifest[] = [];
  for (const { digest, platform } of decodeIndex(JSON.parse(text), "").manifests) {
    const { tag, ...named } = { ...reference, digest };
    const image = await readManifest(source, named, signal);
    const shown = tag === undefined ? named : { ...named, tag };
    const descriptor = { ...image.descriptor, platform: platform ?? { architecture: "", os: "" } };
    images.push({ ...image, reference: shown, descriptor });
  }
  return images;
}

const wantedOf = ({ tag, digest = "" }: Reference): string => tag ?? digest;

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Of an image's configuration, which may tell none. */
function platformOf(config: unknown): Platform {
  const known = isRecord(config) ? config : {};
  const features = known["os.features"];
  return {
    architecture: textOf(known.architecture),
    os: textOf(known.os),
    ...(textOf(known["os.version"]) !== "" && { "os.version": textOf(known["os.version"]) }),
    ...(Array.isArray(features) && features.length > 0 && { "os.features": features.map(String) }),
    ...(textOf(known.variant) !== "" && { variant: textOf(known.variant) }),
  };
}
