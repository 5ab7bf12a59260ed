// Bytes that a container takes on the disk.

import { FILE_SIZE } from "#containerd/diff/diff.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { DirectorySizes } from "../disk/directory-sizes.ts";
import { initBytes } from "./init-files.ts";
import { overlayOption } from "./overlay-option.ts";
import { scope } from "./scope.ts";
import type { Container } from "./store.ts";

export interface MeasureDeps {
  readonly snapshots: Pick<Snapshotter, "mounts" | "name" | "stat" | "usage">;
  readonly sizes: DirectorySizes;
}

/** SizeRw: what it wrote; SizeRootFs: that and its image. */
export async function measureContainer(
  { snapshots, sizes }: MeasureDeps,
  container: Container,
): Promise<{ readonly SizeRw: number; readonly SizeRootFs: number }> {
  const [mount] = await snapshots.mounts(scope, container.id);
  const upper = mount === undefined ? undefined : (overlayOption(mount, "upperdir") ?? mount.source);
  const own = upper === undefined ? 0 : (await sizes.size(upper)) - initBytes(upper);
  let image = 0;
  let { parent } = await snapshots.stat(scope, container.id);
  while (parent !== "") {
    const layer = await snapshots.stat(scope, parent);
    const known = layer.labels[FILE_SIZE];
    image += known === undefined ? (await snapshots.usage(scope, parent)).size : Number(known);
    parent = layer.parent;
  }
  // A copy has all of its image in it.
  return { SizeRw: own, SizeRootFs: snapshots.name === "native" ? own : own + image };
}
