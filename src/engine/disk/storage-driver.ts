// What Docker calls the way in which snapshots are kept.

import type { SnapshotterName } from "#containerd/snapshots/snapshotter-name.ts";

export const storageDriverOf = (snapshotter: SnapshotterName): "overlay2" | "vfs" =>
  snapshotter === "native" ? "vfs" : "overlay2";
