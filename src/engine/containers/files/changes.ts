// GET /containers/{id}/changes: what differs from the image.

import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import { layersOf, planLayers } from "#containerd/trees/layer-view.ts";
import type { Trees } from "#containerd/trees/trees.ts";
import { scope } from "../scope.ts";
import type { ContainerStore } from "../store.ts";
import { begun } from "./export.ts";
import { mountPlaces } from "./own-layer.ts";

export interface ChangesDeps {
  readonly containers: Pick<ContainerStore, "get">;
  readonly snapshots: Pick<Snapshotter, "mounts">;
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
  const layers = layersOf(await deps.snapshots.mounts(scope, id));
  return begun(deps.trees.packChanges(planLayers(layers, deps.scratch), mountPlaces, signal));
}
