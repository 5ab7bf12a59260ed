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

const files = (directory: string): string => `${directory}/fs`;

export function planMounts({ kind, directory, ancestors }: SnapshotChain): readonly Mount[] {
  const [parent] = ancestors;
  if (parent === undefined) return [bindMount(files(directory), kind === "active" ? "rw" : "ro")];
  if (kind !== "active" && ancestors.length === 1) return [bindMount(files(parent), "ro")];
  const upper = kind === "active" ? [`workdir=${directory}/work`, `upperdir=${files(directory)}`] : [];
  return [
    {
      destination: "",
      type: "overlay",
      source: "overlay",
      options: ["index=off", ...upper, `lowerdir=${ancestors.map(files).join(":")}`],
    },
  ];
}

const bindMount = (source: string, access: "ro" | "rw"): Mount => ({
  destination: "",
  type: "bind",
  source,
  options: [access, "rbind"],
});
