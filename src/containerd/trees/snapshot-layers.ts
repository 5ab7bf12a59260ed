// What is to be compared to tell what a snapshot has of its own.

import { randomUUID } from "node:crypto";
import type { Scope } from "../scope.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import { directoriesOf, layersOf, type SnapshotLayers } from "./layer-view.ts";

/** A whole tree is compared with a view of its parent, which ends when it is disposed. */
export async function openLayers(
  snapshots: Pick<Snapshotter, "mounts" | "name" | "remove" | "stat" | "view">,
  scope: Scope,
  key: string,
): Promise<AsyncDisposable & { readonly layers: SnapshotLayers }> {
  const layers = layersOf(await snapshots.mounts(scope, key));
  const nothing = async (): Promise<void> => undefined;
  if (snapshots.name !== "native") return { layers, [Symbol.asyncDispose]: nothing };
  const { parent } = await snapshots.stat(scope, key);
  if (parent === "") return { layers, [Symbol.asyncDispose]: nothing };
  const view = `changes-${randomUUID()}`;
  const lower = directoriesOf(await snapshots.view(scope, view, parent, {}));
  return {
    layers: { upper: layers.upper, lower, whole: true },
    [Symbol.asyncDispose]: () => snapshots.remove(scope, view),
  };
}
