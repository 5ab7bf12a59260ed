// The mounts of snapshots that are whole trees: a copy of its parent's for what is written to, the parent's own for what is read.

import type { Mount } from "#spec/oci-runtime.ts";
import { filesOf, type SnapshotChain } from "./overlay-mounts.ts";

export function planNativeMounts({ kind, directory, ancestors }: SnapshotChain): readonly Mount[] {
  if (kind === "active") return [bindTree(filesOf(directory), "rw")];
  return [bindTree(filesOf(ancestors[0] ?? directory), "ro")];
}

const bindTree = (source: string, access: "ro" | "rw"): Mount => ({
  destination: "",
  type: "bind",
  source,
  options: ["rbind", access],
});
