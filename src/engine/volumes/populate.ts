// An empty volume gets what the image has at its mount point.

import { readdir } from "node:fs/promises";
import { planSnapshotMount, SNAPSHOT_ROOT } from "#containerd/diff/mount-plan.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Mount } from "#spec/oci-runtime.ts";

const O_DIRECTORY = 0o200000;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const FROM = 1;
const TO = 2;

export interface VolumeContent {
  /** The root file system of the container that the volume is for. */
  readonly rootfs: readonly Mount[];
  /** A directory of the container's to mount it on, in a namespace of the plan's own. */
  readonly target: string;
  /** Path in the container. */
  readonly destination: string;
  /** Directory of the volume's data. */
  readonly mountpoint: string;
  /** The directory itself stays as it is: its owner and mode were asked for. */
  readonly keepsAttributes?: boolean;
  /** The volume is empty, and is written to next. */
  readonly onBegin?: () => void;
  /** The volume has all of it, or nothing again. */
  readonly onEnd?: () => void;
}

/** Does nothing if the volume holds anything, or if the image has no such directory. */
export async function populateVolume(
  executor: Pick<Executor, "run">,
  content: VolumeContent,
  signal: AbortSignal,
): Promise<void> {
  if ((await readdir(content.mountpoint)).length > 0) return;
  content.onBegin?.();
  try {
    await executor.run(planPopulate(content), signal);
  } catch (error) {
    // Half a copy would pass for the user's own data at the next try.
    if (!isAbsent(error)) await clearVolume(executor, content.mountpoint);
    content.onEnd?.();
    if (isAbsent(error)) return;
    throw error;
  }
  content.onEnd?.();
}

/** Whether the image has such a directory: a volume that cannot be mounted is then no reason to look at it. */
export async function hasContent(
  executor: Pick<Executor, "run">,
  content: Omit<VolumeContent, "mountpoint">,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await executor.run(planSource(content), signal);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

export async function clearVolume(executor: Pick<Executor, "run">, mountpoint: string): Promise<void> {
  await executor.run(planClear(mountpoint), new AbortController().signal);
}

const planClear = (path: string): Plan => [
  { op: "open", why: "volume", path, flags, slot: TO },
  { op: "clearDir", why: "volume", slot: TO },
  { op: "close", why: "volume", slot: TO }, // whoever unmounts it next need not wait for the process's end
];

const OPEN_SOURCE = "image content of the volume";
const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

const isAbsent = (error: unknown): boolean =>
  error instanceof PlanError && error.why === OPEN_SOURCE && ["ENOENT", "ENOTDIR"].includes(error.code);

/** The destination is resolved within the root: no symlink of the image leads outside. */
const planSource = (content: Omit<VolumeContent, "mountpoint">): Plan => [
  ...planSnapshotMount(content.rootfs, content.target),
  { op: "open", why: OPEN_SOURCE, path: content.destination, root: SNAPSHOT_ROOT, flags, slot: FROM },
];

const planPopulate = (content: VolumeContent): Plan => [
  ...planSource(content),
  { op: "open", why: "volume", path: content.mountpoint, flags, slot: TO },
  {
    op: "copyTree",
    why: `volume at ${content.destination}`,
    from: FROM,
    to: TO,
    ...(content.keepsAttributes === true && { contentOnly: true }),
  },
];
