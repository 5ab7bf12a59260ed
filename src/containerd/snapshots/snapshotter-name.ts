/** containerd's names of how snapshots are made: stacked by overlayfs, or copied whole. */
export type SnapshotterName = "overlayfs" | "native";
