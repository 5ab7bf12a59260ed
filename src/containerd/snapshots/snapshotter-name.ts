/** containerd's name for snapshots that overlayfs stacks. */
export const snapshotterName = "overlayfs";
