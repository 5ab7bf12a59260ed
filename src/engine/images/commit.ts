// An image made of another one and what a container changed: POST /commit.

import { randomUUID } from "node:crypto";
import { formatTime } from "#base/clock.ts";
import { chainIds, hasSnapshot, unpackChainLayer } from "#containerd/registry/unpack-chain.ts";
import type { Scope } from "#containerd/scope.ts";
import { familiarReference, formatReference, type Reference } from "#formats/reference.ts";
import { type Descriptor, type ImageConfig, type ImageDefaults, mediaTypes } from "#spec/oci-image.ts";
import { openLease, storeImage } from "./create-image.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { danglingName } from "./local-image.ts";
import { setName, TAGGED_AT } from "./names.ts";

export interface CommitRequest {
  /** Of the container: the snapshot's key, too. */
  readonly container: string;
  /** Id of the image that it was made from. */
  readonly parent: string;
  readonly reference: Reference | undefined;
  readonly author: string;
  readonly comment: string;
  readonly createdBy: string;
  readonly dockerVersion: string;
  readonly settings: ImageDefaults;
  /** What is left out of the layer if it is nothing but a place for a mount. */
  readonly exclude: readonly string[];
}

/** An archive without entries. */
const EMPTY_TAR = 1024;

/** Returns the image's id. */
export async function commitImage(
  deps: ImageDeps,
  request: CommitRequest,
  signal: AbortSignal,
): Promise<string> {
  await using lease = await openLease(deps, "commit");
  const { image: parent } = await deps.catalog.get(request.parent);
  const layer = await storeChanges(deps, lease.scope, request, signal);
  const isEmpty = layer.size === EMPTY_TAR;
  const added = isEmpty ? [] : [layer];
  const diffIds = [...parent.config.rootfs.diff_ids, ...added.map(({ digest }) => digest)];
  if (!isEmpty) await unpackOwn(deps, lease.scope, { layer, diffIds }, signal);
  const config = describeImage(deps, request, parent.config, { diffIds, isEmpty });
  const { target, id } = await storeImage(deps, lease.scope, config, [...parent.layers, ...added]);
  using _names = await deps.namesLock.acquire();
  const labels = request.settings.Labels ?? {};
  if (request.reference === undefined) {
    await deps.images.create(deps.scope, { name: danglingName(target.digest), target, labels: {} });
    return id;
  }
  await setName(deps, formatReference(request.reference), target, {
    [TAGGED_AT]: formatTime(deps.clock.now()),
  });
  const name = familiarReference(request.reference);
  publishImageEvent(deps.events, { action: "tag", actorId: id, name, labels });
  return id;
}

/** Not compressed: its digest is its diffID. */
async function storeChanges(
  deps: ImageDeps,
  scope: Scope,
  { container, exclude }: CommitRequest,
  signal: AbortSignal,
): Promise<Descriptor> {
  const { snapshots, diff } = deps;
  const { parent } = await snapshots.stat(scope, container);
  const right = await snapshots.mounts(scope, container);
  await using undo = new AsyncDisposableStack();
  const key = `commit-${randomUUID()}`;
  const left = parent === "" ? [] : await snapshots.view(scope, key, parent, {});
  if (parent !== "") undo.defer(() => snapshots.remove(scope, key));
  const options = { mediaType: mediaTypes.ociLayer, ref: "", labels: {}, exclude, signal };
  return await diff.compare(scope, left, right, options);
}

async function unpackOwn(
  deps: ImageDeps,
  scope: Scope,
  { layer, diffIds }: { readonly layer: Descriptor; readonly diffIds: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const chain = chainIds(diffIds);
  const [chainId = "", parent = ""] = [chain.at(-1), chain.at(-2)];
  if (await hasSnapshot(deps.snapshots, scope, chainId)) return;
  const unpacked = { descriptor: layer, diffId: layer.digest, chainId, parent };
  await unpackChainLayer(deps, scope, unpacked, { onProgress: () => undefined, signal });
}

function describeImage(
  deps: ImageDeps,
  request: CommitRequest,
  parent: ImageConfig,
  { diffIds, isEmpty }: { readonly diffIds: readonly string[]; readonly isEmpty: boolean },
): ImageConfig {
  const created = formatTime(deps.clock.now());
  const { author, comment } = request;
  const { architecture, os, variant } = parent;
  return {
    created,
    ...(author !== "" && { author }),
    ...(architecture !== undefined && { architecture }),
    ...(os !== undefined && { os }),
    ...(variant !== undefined && { variant }),
    config: request.settings,
    rootfs: { type: "layers", diff_ids: diffIds },
    history: [
      ...(parent.history ?? []),
      {
        created,
        ...(author !== "" && { author }),
        created_by: request.createdBy,
        ...(comment !== "" && { comment }),
        ...(isEmpty && { empty_layer: true }),
      },
    ],
    comment,
    docker_version: request.dockerVersion,
    parent: request.parent,
    container: request.container,
  };
}
