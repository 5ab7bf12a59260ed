// Writes a one-layer image into the store: blob -> snapshot -> config -> manifest -> name.

import { randomUUID } from "node:crypto";
import { formatTime } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import { BatchedWriter } from "#containerd/content/batched-writer.ts";
import type { ContentWriter } from "#containerd/content/content.ts";
import { configLabels, manifestLabels, storeDocument } from "#containerd/registry/store-document.ts";
import { unpackBaseLayer } from "#containerd/registry/unpack-chain.ts";
import type { Scope } from "#containerd/scope.ts";
import { digestOf } from "#formats/digest.ts";
import { type Compression, SNIFF_LENGTH, sniffCompression } from "#formats/tar-compression.ts";
import { type Descriptor, type ImageConfig, type Manifest, mediaTypes } from "#spec/oci-image.ts";
import type { ImageDeps } from "./image-deps.ts";

type StoreDeps = Pick<
  ImageDeps,
  "clock" | "content" | "diff" | "leases" | "scope" | "snapshots" | "snapshotter"
>;

/** Label of a lease that an engine holds. */
export const HOLDER = "gantry.holder";

/** Everything made under it stays while it is held; name what is to stay for good before disposing it. */
export async function openLease(
  deps: Pick<StoreDeps, "clock" | "leases" | "scope">,
  purpose: string,
): Promise<AsyncDisposable & { readonly scope: Scope }> {
  const { leases, scope, clock } = deps;
  const id = `${purpose}-${randomUUID()}`;
  const expire = formatTime(clock.now() + 24n * 3600n * 1_000_000_000n);
  await leases.create(scope, id, { "containerd.io/gc.expire": expire, [HOLDER]: purpose });
  return { scope: { ...scope, lease: id }, [Symbol.asyncDispose]: () => leases.delete(scope, id, false) };
}

/** Stores a layer as it comes: its type is told from its first bytes. A stream that fails leaves nothing. */
export async function storeLayer(
  deps: Pick<StoreDeps, "content">,
  scope: Scope,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Descriptor> {
  const ref = `import-${randomUUID()}`;
  let size = 0;
  let start = Buffer.alloc(0);
  try {
    await using writer = await deps.content.openWriter(scope, ref);
    const batches = new BatchedWriter(writer);
    for await (const chunk of body) {
      signal.throwIfAborted();
      if (start.length < SNIFF_LENGTH) start = Buffer.concat([start, chunk.subarray(0, SNIFF_LENGTH)]);
      await batches.write(chunk);
      size += chunk.length;
    }
    await batches.end();
    const digest = await commitBlob(writer, size);
    return { mediaType: layerType[sniffCompression(start)], digest, size };
  } finally {
    await deps.content.abort(scope, ref).catch(() => undefined); // nothing is left to abort after a commit
  }
}

/** Resolves with the digest, also if the same bytes were there before: the refusal names it. */
export async function commitBlob(writer: ContentWriter, size: number): Promise<string> {
  try {
    return await writer.commit(size, "", {});
  } catch (error) {
    const text = error instanceof Error && isKind(error, "conflict") ? error.message : "";
    const [digest] = /sha256:[a-f0-9]{64}/.exec(text) ?? [];
    if (digest === undefined) throw error;
    return digest;
  }
}

/** Media types of layers. */
export const layerType: Readonly<Record<Compression, string>> = {
  none: mediaTypes.ociLayer,
  gzip: `${mediaTypes.ociLayer}+gzip`,
  zstd: `${mediaTypes.ociLayer}+zstd`,
  // Only of a layer that an index calls something else.
  bzip2: mediaTypes.ociLayer,
  xz: mediaTypes.ociLayer,
};

/** Unpacks the layer; returns its diffId. */
export const unpackFirst = (
  deps: StoreDeps,
  scope: Scope,
  layer: Descriptor,
  signal: AbortSignal,
): Promise<string> => unpackBaseLayer(deps, scope, layer, { onProgress: () => undefined, signal });

/** Stores config and manifest; returns the manifest's descriptor and the image's id. */
export async function storeImage(
  deps: StoreDeps,
  scope: Scope,
  config: ImageConfig,
  layers: readonly Descriptor[],
): Promise<{ readonly target: Descriptor; readonly id: string }> {
  const configBytes = Buffer.from(JSON.stringify(config));
  const descriptor = describe(mediaTypes.ociConfig, configBytes);
  const manifest: Manifest & { readonly schemaVersion: 2 } = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptor,
    layers,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const target = describe(mediaTypes.ociManifest, bytes);
  const { content, snapshotter } = deps;
  await storeDocument(content, scope, { descriptor, bytes: configBytes }, configLabels(config, snapshotter));
  await storeDocument(content, scope, { descriptor: target, bytes }, manifestLabels(manifest));
  return { target, id: descriptor.digest };
}

const describe = (mediaType: string, bytes: Buffer): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});
