// Layers that were made here are stored as plain archives; registries get them compressed, once.

import { randomUUID } from "node:crypto";
import { isKind } from "#base/errors.ts";
import { type Descriptor, isPlainLayerType, type Manifest, mediaTypes } from "#spec/oci-image.ts";
import type { ContentStore } from "../content/content.ts";
import type { Scope } from "../scope.ts";
import { gzipInBlocks } from "./gzip-blocks.ts";

export interface CompressDeps {
  readonly content: Pick<ContentStore, "abort" | "info" | "list" | "openWriter" | "read">;
}

const UNCOMPRESSED = "containerd.io/uncompressed";

/** The compressed form of the layer: one that is here, from wherever, or else made now. `onRead` hears of the layer's bytes. */
export async function compressLayer(
  deps: CompressDeps,
  scope: Scope,
  { layer, diffId }: { readonly layer: Descriptor; readonly diffId: string },
  run: { readonly onRead: (bytes: number) => void; readonly signal: AbortSignal },
): Promise<Descriptor> {
  return (await findCompressed(deps, scope, diffId)) ?? (await compress(deps, scope, { layer, diffId }, run));
}

async function findCompressed(
  { content }: CompressDeps,
  scope: Scope,
  diffId: string,
): Promise<Descriptor | undefined> {
  const filter = `labels.${JSON.stringify(UNCOMPRESSED)}==${JSON.stringify(diffId)}`;
  for await (const { digest, size } of content.list(scope, [filter])) {
    if (digest === diffId || !(await isGzip(content, scope, digest))) continue;
    return { mediaType: mediaTypes.dockerLayerGzip, digest, size };
  }
  return undefined;
}

async function isGzip(content: CompressDeps["content"], scope: Scope, digest: string): Promise<boolean> {
  for await (const chunk of content.read(scope, digest, { offset: 0, size: 2 }))
    return chunk[0] === 0x1f && chunk[1] === 0x8b;
  return false;
}

async function compress(
  { content }: CompressDeps,
  scope: Scope,
  { layer, diffId }: { readonly layer: Descriptor; readonly diffId: string },
  { onRead, signal }: { readonly onRead: (bytes: number) => void; readonly signal: AbortSignal },
): Promise<Descriptor> {
  const ref = `compress-${randomUUID()}`;
  let size = 0;
  try {
    await using writer = await content.openWriter(scope, ref);
    for await (const chunk of gzipInBlocks(content.read(scope, layer.digest), onRead)) {
      signal.throwIfAborted();
      await writer.write(chunk);
      size += chunk.length;
    }
    const digest = await writer.commit(size, "", { [UNCOMPRESSED]: diffId }).catch(existing);
    return { mediaType: mediaTypes.dockerLayerGzip, digest, size };
  } finally {
    await content.abort(scope, ref).catch(() => undefined); // nothing is left to abort after a commit
  }
}

/** The same bytes are here already: the refusal names them. */
function existing(error: unknown): string {
  const text = error instanceof Error && isKind(error, "conflict") ? error.message : "";
  const [digest] = /sha256:[a-f0-9]{64}/.exec(text) ?? [];
  if (digest === undefined) throw error;
  return digest;
}

/** What registries are sent instead of a manifest that was made here: of Docker's types and in dockerd's form, unless a layer is of a type
 *  that Docker has not. `layers` are those of the manifest, compressed. */
export function describeCompressed(
  manifest: Manifest,
  layers: readonly Descriptor[],
): { readonly mediaType: string; readonly bytes: Buffer } {
  const docker = layers.every(({ mediaType }) => DOCKER_TYPES.has(mediaType));
  const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const { digest, size } = manifest.config;
  const document = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: docker ? mediaTypes.dockerConfig : mediaTypes.ociConfig, size, digest },
    layers: layers.map((layer) => ({
      mediaType: docker ? mediaTypes.dockerLayerGzip : layer.mediaType,
      size: layer.size,
      digest: layer.digest,
    })),
  };
  return { mediaType, bytes: Buffer.from(JSON.stringify(document, undefined, 3)) };
}

const DOCKER_TYPES = new Set<string>([mediaTypes.dockerLayerGzip, `${mediaTypes.ociLayer}+gzip`]);

export const hasPlainLayers = ({ layers }: Manifest): boolean =>
  layers.some(({ mediaType }) => isPlainLayerType(mediaType));
