// The layer between two snapshots, packed by a thread and stored as it comes.

import { createHash, randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { pipeline } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { createGzip } from "node:zlib";
import { EngineError } from "#base/errors.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import type { ContentStore } from "../content/content.ts";
import { notImplemented } from "../failures.ts";
import type { Scope } from "../scope.ts";
import { directoriesOf, planLayers, type SnapshotLayers } from "../trees/layer-view.ts";
import type { Trees } from "../trees/trees.ts";
import type { CompareOptions } from "./diff.ts";

export interface CompareDeps {
  readonly content: Pick<ContentStore, "openWriter" | "abort" | "info">;
  readonly trees: Pick<Trees, "packLayer">;
  /** An empty directory that nobody else looks at. */
  readonly scratch: string;
}

const GZIP = `${mediaTypes.ociLayer}+gzip`;
/** Where containerd's clients look for a layer's diffID. */
const UNCOMPRESSED = "containerd.io/uncompressed";

export async function compareSnapshots(
  deps: CompareDeps,
  scope: Scope,
  layers: SnapshotLayers,
  options: CompareOptions & { readonly signal: AbortSignal },
): Promise<Descriptor> {
  const { signal } = options;
  const mediaType = options.mediaType || GZIP;
  if (mediaType !== GZIP && mediaType !== mediaTypes.ociLayer)
    throw notImplemented(`unsupported diff media type: ${mediaType}`);
  const choice = { exclude: options.exclude ?? [], whole: layers.whole ?? false };
  const hash = createHash("sha256");
  const plain = deps.trees.packLayer(planLayers(layers, deps.scratch), choice, signal);
  const ref = options.ref || `diff-${randomUUID()}`;
  let size = 0;
  try {
    await using writer = await deps.content.openWriter(scope, ref);
    await writer.truncate();
    for await (const chunk of mediaType === GZIP ? compressed(hashed(plain, hash)) : plain) {
      await writer.write(chunk);
      size += chunk.length;
    }
    const labels = mediaType === GZIP ? { [UNCOMPRESSED]: `sha256:${hash.digest("hex")}` } : {};
    const digest = await commitOrFind(writer.commit(size, "", { ...labels, ...options.labels }));
    return { mediaType, digest, size };
  } finally {
    await deps.content.abort(scope, ref).catch(() => undefined); // nothing is left to abort after a commit
  }
}

/** The same bytes may be there already: the refusal names them. */
async function commitOrFind(commit: Promise<string>): Promise<string> {
  try {
    return await commit;
  } catch (error) {
    const isThere = error instanceof EngineError && error.kind === "conflict";
    const digest = isThere ? /sha256:[a-f0-9]{64}/.exec(error.message)?.[0] : undefined;
    if (digest === undefined) throw error;
    return digest;
  }
}

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

async function* compressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of pipeline(chunks, createGzip({ chunkSize: 256 << 10 }), () => undefined)) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a layer stream gave text");
    yield chunk;
  }
}

/**
 * What the second snapshot has that the first has not: the first may be what it was made of, the same tree, or an empty one (containerd's
 * clients make such a view to be told all of a snapshot); or both are whole trees. Rejects `unsupported` for trees that are not related so.
 */
export async function layersBetween(
  left: readonly Mount[],
  right: readonly Mount[],
  scratch: string,
): Promise<SnapshotLayers> {
  const below = directoriesOf(left);
  const directories = directoriesOf(right);
  if (isDeepStrictEqual(below, directories)) return { upper: scratch, lower: below };
  const [upper, ...lower] = directories;
  if (upper !== undefined && isDeepStrictEqual(below, lower)) return { upper, lower };
  if (upper !== undefined && lower.length === 0 && (await isEmpty(below))) return { upper, lower };
  if (upper !== undefined && lower.length === 0 && below.length === 1)
    return { upper, lower: below, whole: true };
  throw notImplemented("diff of snapshots of which the second was not made of the first");
}

/** Nothing in it, and nothing below. */
async function isEmpty([only, ...others]: readonly string[]): Promise<boolean> {
  return only !== undefined && others.length === 0 && (await readdir(only)).length === 0;
}
