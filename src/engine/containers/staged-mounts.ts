// Sources of mounts that are not a directory of the host as it stands: an image's files, and paths within volumes and images, which
// are resolved without leaving them. Each is mounted in the container's own directory until the container has its copy.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemError } from "#base/errors.ts";
import { planMount } from "#containerd/diff/mount-plan.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { ContainerRecord, MountPoint } from "./record.ts";
import { scope } from "./scope.ts";

export interface StagedMountDeps {
  readonly executor: Pick<Executor, "run">;
  readonly snapshots: Pick<Snapshotter, "mounts">;
  readonly containersDir: string;
}

/** Gone when disposed. */
export interface StagedMounts extends AsyncDisposable {
  /** The mounts, with the directories of the host to bind. */
  readonly mounts: readonly MountPoint[];
}

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const O_DIRECTORY = 0o200000;
const MNT_DETACH = 2;
const BASE = 1;
const PART = 2;
const never = new AbortController().signal;

/** The snapshot that holds an image for one of a container's mounts. */
export const imageSnapshot = (id: string, index: number): string => `${id}.${index}`;

/** Ids of containers and of their image mounts: undefined for any other snapshot. */
export const snapshotOwner = (name: string): string | undefined =>
  /^([0-9a-f]{64})(?:\.\d+)?$/.exec(name)?.[1];

interface Stage {
  readonly deps: StagedMountDeps;
  /** Of the container; for its mounts only. */
  readonly directory: string;
  readonly undo: AsyncDisposableStack;
  readonly signal: AbortSignal;
}

export async function stageMounts(
  deps: StagedMountDeps,
  record: ContainerRecord,
  signal: AbortSignal,
): Promise<StagedMounts> {
  await using undo = new AsyncDisposableStack();
  const stage: Stage = { deps, directory: join(deps.containersDir, record.id, "mounts"), undo, signal };
  const mounts: MountPoint[] = [];
  for (const [index, mount] of record.mounts.entries()) {
    const isImage = mount.type === "image";
    const base = isImage ? await stageImage(stage, index, imageSnapshot(record.id, index)) : mount.source;
    const source = mount.subpath ? await stagePart(stage, index, base, mount.subpath) : base;
    mounts.push({ ...mount, source });
  }
  const cleanup = undo.move();
  return { mounts, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

/** Returns where an image's files are. */
async function stageImage(stage: Stage, index: number, snapshot: string): Promise<string> {
  const { deps, directory, undo, signal } = stage;
  const target = join(directory, `${index}-image`);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const layers = await deps.snapshots.mounts(scope, snapshot);
  undo.defer(() => unmount(deps, target));
  await deps.executor.run(
    layers.flatMap((layer) => planMount(layer, target, false)),
    signal,
  );
  return target;
}

/** Returns where the part of a directory is that the user named. */
async function stagePart(stage: Stage, index: number, source: string, subpath: string): Promise<string> {
  const { deps, directory, undo, signal } = stage;
  const target = join(directory, `${index}-part`);
  undo.defer(() => unmount(deps, target));
  try {
    await deps.executor.run(planPart(source, subpath, target), signal);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const cause = error.code === "ENOENT" ? "no such file or directory" : error.code;
    throw systemError(`cannot access path ${join(source, subpath)}: ${cause}`, { cause: error });
  }
  return target;
}

/** No symlink of the container's making leads out of the volume. */
const planPart = (source: string, subpath: string, target: string): Plan => [
  { op: "open", why: source, path: source, flags: O_PATH | O_DIRECTORY | O_CLOEXEC, slot: BASE },
  { op: "open", why: subpath, path: subpath, root: BASE, flags: O_PATH | O_CLOEXEC, slot: PART },
  { op: "bind", why: subpath, sourceSlot: PART, target, recursive: true, createTarget: true },
];

async function unmount(deps: StagedMountDeps, target: string): Promise<void> {
  const op: Op = { op: "umount", why: "staged mount", target, flags: MNT_DETACH, missingOk: true };
  await deps.executor.run([op], never);
}
