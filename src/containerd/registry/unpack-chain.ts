// Layers onto each other: each becomes a committed snapshot named by its chain id, in order, as soon as its bytes are there.
//
//   chainId(0) = diffId(0);   chainId(n) = sha256(chainId(n-1) + " " + diffId(n))

import { randomUUID } from "node:crypto";
import { isKind, systemError } from "#base/errors.ts";
import { digestOf } from "#formats/digest.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import type { ContentStore } from "../content/content.ts";
import type { DiffService } from "../diff/diff.ts";
import { fieldsOf } from "../rows.ts";
import type { Scope } from "../scope.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";

/** Chain ids, bottom layer first. */
export function chainIds(diffIds: readonly string[]): readonly string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}

export interface UnpackDeps {
  readonly content: Pick<ContentStore, "info" | "update">;
  readonly snapshots: Pick<Snapshotter, "commit" | "prepare" | "remove" | "stat">;
  readonly diff: DiffService;
}

export interface ChainLayer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly chainId: string;
  /** "" for the bottom one. */
  readonly parent: string;
}

/** Whether a committed snapshot has this name. */
export async function hasSnapshot(
  snapshots: Pick<Snapshotter, "stat">,
  scope: Scope,
  name: string,
): Promise<boolean> {
  try {
    return (await snapshots.stat(scope, name)).kind === "committed";
  } catch (error) {
    if (isKind(error, "notFound")) return false;
    throw error;
  }
}

export interface UnpackRun {
  /** Before what is wrong with the layer. */
  readonly failing?: string;
  readonly onProgress: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Unpacks one layer whose parent is committed and whose blob is in the content store. A failure leaves no snapshot. */
export async function unpackChainLayer(
  deps: UnpackDeps,
  scope: Scope,
  layer: ChainLayer,
  run: UnpackRun,
): Promise<void> {
  await unpack(deps, scope, { ...layer, key: `extract-${randomUUID()} ${layer.chainId}` }, run);
}

/** Unpacks a layer that stands on nothing and whose diffId is not known yet: returns it. It is the chain id too. */
export async function unpackBaseLayer(
  deps: UnpackDeps,
  scope: Scope,
  descriptor: Descriptor,
  run: UnpackRun,
): Promise<string> {
  return await unpack(deps, scope, { descriptor, parent: "", key: `extract-${randomUUID()}` }, run);
}

interface UnpackTarget {
  readonly descriptor: Descriptor;
  readonly parent: string;
  readonly key: string;
  /** What it must turn out to be, if that is known. */
  readonly diffId?: string;
  readonly chainId?: string;
}

async function unpack(
  deps: UnpackDeps,
  scope: Scope,
  layer: UnpackTarget,
  { failing = "", onProgress, signal }: UnpackRun,
): Promise<string> {
  const { snapshots, diff } = deps;
  const { key } = layer;
  const mounts = await snapshots.prepare(scope, key, layer.parent, {});
  await using undo = new AsyncDisposableStack();
  undo.defer(() => snapshots.remove(scope, key));
  const unpacked = await diff
    .apply(scope, layer.descriptor, mounts, { onProgress, signal })
    .catch((cause: unknown) => {
      signal.throwIfAborted();
      throw systemError(`${failing}${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    });
  const { digest: diffId, annotations } = unpacked;
  if (layer.diffId !== undefined && diffId !== layer.diffId)
    throw systemError(`wrong diff id calculated on extraction ${JSON.stringify(diffId)}`);
  await setUncompressed(deps.content, scope, { descriptor: layer.descriptor, diffId });
  const chainId = layer.chainId ?? diffId;
  const labels = { "containerd.io/snapshot.ref": chainId, ...annotations };
  try {
    await snapshots.commit(scope, chainId, key, labels);
  } catch (error) {
    // Another program has unpacked the same layer meanwhile; ours is removed.
    if (isKind(error, "conflict")) return diffId;
    throw error;
  }
  undo.move();
  return diffId;
}

async function setUncompressed(
  content: Pick<ContentStore, "info" | "update">,
  scope: Scope,
  layer: Pick<ChainLayer, "descriptor" | "diffId">,
): Promise<void> {
  const { labels } = await content.info(scope, layer.descriptor.digest);
  if (labels["containerd.io/uncompressed"] === layer.diffId) return;
  const wanted = { "containerd.io/uncompressed": layer.diffId };
  await content.update(scope, layer.descriptor.digest, wanted, fieldsOf(wanted));
}
