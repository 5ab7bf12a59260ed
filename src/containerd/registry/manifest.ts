// Reads manifests and indexes from hostile bytes: one document must not be readable as both (CVE-2021-41190).

import { DecodeError, isRecord } from "#base/decode.ts";
import { EngineError, invalid } from "#base/errors.ts";
import { parseDigest } from "#formats/digest.ts";
import {
  type Descriptor,
  decodeIndex,
  decodeManifest,
  type Index,
  isIndexType,
  isLayerType,
  isManifestType,
  type Manifest,
  mediaTypes,
} from "#spec/oci-image.ts";

export type ManifestDocument =
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | { readonly kind: "index"; readonly index: Index };

/** Bytes; registries refuse larger ones. */
export const MAX_MANIFEST = 4 << 20;
export const MAX_CONFIG = 8 << 20;
/** Indexes in indexes: the deepest that is followed. */
export const MAX_INDEX_DEPTH = 3;
const MAX_LAYERS = 512;

/** `mediaType`: what the registry or the descriptor called it. */
export function parseManifestDocument(bytes: Uint8Array, mediaType: string): ManifestDocument {
  if (mediaType === mediaTypes.dockerSchema1 || mediaType === mediaTypes.dockerSchema1Signed) throw schema1();
  const value = parseJson(bytes);
  refuseAmbiguity(value, mediaType);
  try {
    if (isIndexType(mediaType)) return { kind: "index", index: checkIndex(decodeIndex(value, "")) };
    if (isManifestType(mediaType))
      return { kind: "manifest", manifest: checkManifest(decodeManifest(value, "")) };
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(`invalid manifest: ${error.message}`, { cause: error });
    throw error;
  }
  throw invalid(`unsupported manifest media type ${JSON.stringify(mediaType)}`);
}

function parseJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid("invalid manifest: not a JSON document", { cause });
  }
  if (!isRecord(value)) throw invalid("invalid manifest: not a JSON object");
  return value;
}

function refuseAmbiguity(value: Readonly<Record<string, unknown>>, mediaType: string): void {
  if (value.schemaVersion === 1 || "fsLayers" in value) throw schema1();
  const stated = value.mediaType;
  if (stated !== undefined && stated !== "" && stated !== mediaType)
    throw invalid(`mediaType in manifest should be '${mediaType}' not '${String(stated)}'`);
  const index = "manifests" in value;
  const manifest = "config" in value || "layers" in value;
  if (index && manifest) throw invalid("expected either a manifest or an index, got a document that is both");
}

const schema1 = (): EngineError =>
  new EngineError(
    "invalid",
    "[DEPRECATION NOTICE] Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed. Suggest the author of the image to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2.",
  );

function checkIndex(index: Index): Index {
  for (const manifest of index.manifests) checkDescriptor(manifest);
  return index;
}

function checkManifest(manifest: Manifest): Manifest {
  checkDescriptor(manifest.config);
  const { mediaType } = manifest.config;
  if (mediaType !== mediaTypes.dockerConfig && mediaType !== mediaTypes.ociConfig)
    throw invalid(`unsupported media type ${mediaType} for an image config: this is not a container image`);
  if (manifest.config.size > MAX_CONFIG) throw invalid("image config is too large");
  if (manifest.layers.length > MAX_LAYERS) throw invalid("max depth exceeded");
  for (const layer of manifest.layers) {
    checkDescriptor(layer);
    if (!isLayerType(layer.mediaType))
      throw invalid(`unsupported layer media type ${JSON.stringify(layer.mediaType)}`);
  }
  return manifest;
}

function checkDescriptor({ digest, size }: Descriptor): void {
  parseDigest(digest);
  if (size < 0) throw invalid(`invalid size ${size} of ${digest}`);
}
