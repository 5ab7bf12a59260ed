// The mounts that make a snapshot's tree from the directories of its chain.

import type { Mount } from "#spec/oci-runtime.ts";
import type { SnapshotInfo } from "./snapshotter.ts";

export interface SnapshotChain {
  readonly kind: SnapshotInfo["kind"];
  /** Directory of the snapshot: `fs` and, while it is active, `work` are in it. */
  readonly directory: string;
  /** Directories of the ancestors, the parent first. */
  readonly ancestors: readonly string[];
}

export const filesOf = (directory: string): string => `${directory}/fs`;

export function planOverlayMounts({ kind, directory, ancestors }: SnapshotChain): readonly Mount[] {
  const [parent] = ancestors;
  if (parent === undefined) return [bindMount(filesOf(directory), kind === "active" ? "rw" : "ro")];
  if (kind !== "active" && ancestors.length === 1) return [bindMount(filesOf(parent), "ro")];
  const upper = kind === "active" ? [`workdir=${directory}/work`, `upperdir=${filesOf(directory)}`] : [];
  return [
    {
      destination: "",
      type: "overlay",
      source: "overlay",
      options: ["index=off", ...upper, `lowerdir=${ancestors.map(filesOf).join(":")}`],
    },
  ];
}

const bindMount = (source: string, access: "ro" | "rw"): Mount => ({
  destination: "",
  type: "bind",
  source,
  options: [access, "rbind"],
});
