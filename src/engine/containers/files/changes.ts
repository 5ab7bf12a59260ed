// GET /containers/{id}/changes: what differs from the image.

import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import { planLayers } from "#containerd/trees/layer-view.ts";
import { openLayers } from "#containerd/trees/snapshot-layers.ts";
import type { Trees } from "#containerd/trees/trees.ts";
import { scope } from "../scope.ts";
import type { ContainerStore } from "../store.ts";
import { begun } from "./export.ts";
import { mountPlaces } from "./own-layer.ts";

export interface ChangesDeps {
  readonly containers: Pick<ContainerStore, "get">;
  readonly snapshots: Pick<Snapshotter, "mounts" | "name" | "remove" | "stat" | "view">;
  readonly trees: Pick<Trees, "packChanges">;
  readonly scratch: string;
}

/** The answer's JSON text, in pieces: a list of `{Path, Kind}`, or null. */
export async function listContainerChanges(
  deps: ChangesDeps,
  reference: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { id } = deps.containers.get(reference);
  return begun(packOwn(deps, id, signal));
}

async function* packOwn(deps: ChangesDeps, id: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await using opened = await openLayers(deps.snapshots, scope, id);
  const choice = { exclude: mountPlaces, whole: opened.layers.whole ?? false };
  yield* deps.trees.packChanges(planLayers(opened.layers, deps.scratch), choice, signal);
}
