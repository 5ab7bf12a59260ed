// Operations that let a process see what a snapshot has of its own, and what the layers below it have.

import { invalid } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { planMount } from "../diff/mount-plan.ts";

/** Slots of the snapshot's own directory and of the tree below it. */
export const UPPER = 0;
export const LOWER = 1;

const CLONE_NEWNS = 0x20000;
const MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8;
/** MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC. */
const MOUNT_ATTR_READ_ONLY_INERT = 1 | 2 | 4 | 8;
const MS_PRIVATE = 1 << 18;
const O_PATH_DIRECTORY = 0o10200000;
const why = "layers of the snapshot";

export interface SnapshotLayers {
  readonly upper: string;
  /** The nearest first; empty for a snapshot that stands on nothing. */
  readonly lower: readonly string[];
  /** `upper` is no layer but a whole tree, which is to be compared with the one below. */
  readonly whole?: boolean;
}

/** The directories that a snapshot's mounts put together, the topmost first. */
export function directoriesOf(mounts: readonly Mount[]): readonly string[] {
  const [mount] = mounts;
  if (mount === undefined) return [];
  if (mounts.length > 1) throw invalid("a snapshot has one mount at most");
  const { type, source = "", options = [] } = mount;
  if (type !== "overlay") return [source];
  const value = (key: string): readonly string[] =>
    options
      .filter((option) => option.startsWith(`${key}=`))
      .flatMap((option) => option.slice(key.length + 1).split(":"));
  return [...value("upperdir"), ...value("lowerdir")];
}

/** What a snapshot has of its own, and what is below. */
export function layersOf(mounts: readonly Mount[]): SnapshotLayers {
  const [upper, ...lower] = directoriesOf(mounts);
  if (upper === undefined) throw invalid("a snapshot without a mount has no changes");
  return { upper, lower };
}

/** `scratch`: an empty directory of the host that nobody else looks at. */
export function planLayers({ upper, lower }: SnapshotLayers, scratch: string): Plan {
  const target = `${scratch}/lower`;
  return [
    { op: "unshare", why, flags: CLONE_NEWNS },
    { op: "mountAttr", why, target: "/", set: 0, clear: 0, propagation: MS_PRIVATE, recursive: true },
    // No device in it can be opened, whatever a container that runs puts in the place of a file.
    { op: "openTree", why, source: upper, slot: UPPER, recursive: false },
    {
      op: "mountAttr",
      why,
      target: "",
      root: UPPER,
      set: MOUNT_ATTR_READ_ONLY_INERT,
      clear: 0,
      propagation: 0,
      recursive: false,
    },
    {
      op: "mount",
      why,
      fstype: "tmpfs",
      source: "view",
      target: scratch,
      flags: MS_NOSUID_NODEV_NOEXEC,
      data: "mode=0700",
    },
    { op: "mkdir", why, path: target, mode: 0o755 },
    ...lowerMounts(lower).flatMap((mount) => planMount(mount, target, false)),
    { op: "open", why, path: target, flags: O_PATH_DIRECTORY, slot: LOWER },
  ];
}

function lowerMounts(lower: readonly string[]): readonly Mount[] {
  const [first] = lower;
  if (first === undefined) return [];
  if (lower.length === 1) return [{ destination: "", type: "bind", source: first, options: ["bind"] }];
  const options = ["index=off", `lowerdir=${lower.join(":")}`];
  return [{ destination: "", type: "overlay", source: "overlay", options }];
}
