// Bytes that a container takes on the disk.

import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import { scope } from "./scope.ts";
import type { Container } from "./store.ts";

/** SizeRw: what it wrote; SizeRootFs: that and its image. */
export async function measureContainer(
  snapshots: Pick<Snapshotter, "usage" | "stat">,
  container: Container,
): Promise<{ readonly SizeRw: number; readonly SizeRootFs: number }> {
  const own = (await snapshots.usage(scope, container.id)).size;
  let image = 0;
  let { parent } = await snapshots.stat(scope, container.id);
  while (parent !== "") {
    image += (await snapshots.usage(scope, parent)).size;
    ({ parent } = await snapshots.stat(scope, parent));
  }
  return { SizeRw: own, SizeRootFs: own + image };
}
