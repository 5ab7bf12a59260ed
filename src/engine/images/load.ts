// POST /images/load: images from an archive, as `docker save` and OCI tools write it.

import { formatTime } from "#base/clock.ts";
import { systemError } from "#base/errors.ts";
import { MAX_CONFIG } from "#containerd/registry/manifest.ts";
import { configLabels, readDocument, storeDocument } from "#containerd/registry/store-document.ts";
import { chainIds, hasSnapshot, unpackChainLayer } from "#containerd/registry/unpack-chain.ts";
import type { Scope } from "#containerd/scope.ts";
import { shortId } from "#formats/digest.ts";
import { familiarReference, formatReference, parseReference, withDefaultTag } from "#formats/reference.ts";
import type { Platform } from "#spec/oci-image.ts";
import { readArchive } from "./archive-files.ts";
import { type ArchivedImage, type ArchivedPlatform, readArchiveIndex } from "./archive-index.ts";
import { openLease } from "./create-image.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { danglingName, labelsOf } from "./local-image.ts";
import { setName, TAGGED_AT } from "./names.ts";
import { barMessage, type Emit } from "./progress-messages.ts";

interface LoadRun {
  readonly scope: Scope;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export interface LoadRequest {
  readonly body: AsyncIterable<Uint8Array>;
  /** Only for these; none are all that the archive has. */
  readonly platforms: readonly Platform[];
}

export async function loadImages(
  deps: ImageDeps,
  { body, platforms: wanted }: LoadRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  await using lease = await openLease(deps, "load");
  const files = await readArchive(deps, lease.scope, body, signal);
  const run: LoadRun = { scope: lease.scope, emit, signal };
  const reading = { content: deps.content, scope: lease.scope, files, wanted };
  for (const image of await readArchiveIndex(reading)) await register(deps, run, image);
}

async function register(deps: ImageDeps, run: LoadRun, image: ArchivedImage): Promise<void> {
  const references = image.tags.map((tag) => withDefaultTag(parseReference(tag)));
  for (const platform of image.platforms) {
    await unpackAll(deps, run, platform);
    await labelConfig(deps, run.scope, platform);
  }
  for (const { descriptor, bytes, labels } of image.documents)
    await storeDocument(deps.content, run.scope, { descriptor, bytes }, labels);
  const { target } = image;
  deps.catalog.forget(target);
  const content = await deps.catalog.content(target);
  using _names = await deps.namesLock.acquire();
  for (const reference of references) {
    await setName(deps, formatReference(reference), target, { [TAGGED_AT]: formatTime(deps.clock.now()) });
    run.emit({ stream: `Loaded image: ${familiarReference(reference)}\n` });
  }
  if (references.length === 0) {
    if (!(await deps.catalog.list()).some((known) => known.id === content.id))
      await deps.images.create(deps.scope, { name: danglingName(target.digest), target, labels: {} });
    run.emit({ stream: `Loaded image ID: ${content.id}\n` });
  }
  const { id } = content;
  publishImageEvent(deps.events, { action: "load", actorId: id, name: id, labels: labelsOf(content) });
}

async function unpackAll(
  deps: ImageDeps,
  { scope, emit, signal }: LoadRun,
  { config, layers }: ArchivedPlatform,
): Promise<void> {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== layers.length)
    throw systemError(
      `invalid manifest, layers length mismatch: expected ${layers.length}, got ${diffIds.length}`,
    );
  const chain = chainIds(diffIds);
  for (const [index, descriptor] of layers.entries()) {
    const chainId = chain[index] ?? "";
    const diffId = diffIds[index] ?? "";
    await deps.leases.addResource(scope, scope.lease ?? "", {
      type: `snapshots/${deps.snapshotter}`,
      id: chainId,
    });
    if (await hasSnapshot(deps.snapshots, scope, chainId)) continue;
    const tell = (current: number): void =>
      emit(barMessage(shortId(diffId), "Loading layer", current, descriptor.size));
    const layer = { descriptor, diffId, chainId, parent: chain[index - 1] ?? "" };
    await unpackChainLayer(deps, scope, layer, { onProgress: tell, signal });
    tell(descriptor.size);
  }
}

/** From here on the configuration keeps the snapshots. */
async function labelConfig(
  { content, snapshotter }: ImageDeps,
  scope: Scope,
  { configDescriptor: descriptor, config }: ArchivedPlatform,
): Promise<void> {
  const bytes = await readDocument(content, scope, descriptor.digest, MAX_CONFIG);
  await storeDocument(content, scope, { descriptor, bytes }, configLabels(config, snapshotter));
}
