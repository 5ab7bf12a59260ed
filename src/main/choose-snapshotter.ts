// How a root's snapshots are made: as it was asked for, as the root began, or by overlayfs where this machine can mount it there.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemError } from "#base/errors.ts";
import type { SnapshotterName } from "#containerd/snapshots/snapshotter-name.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";

interface ChoiceDeps {
  readonly executor: Pick<Executor, "run">;
  readonly warn: (message: string) => void;
}

const CLONE_NEWNS = 0x20000;
const MS_PRIVATE = 1 << 18;
const why = "trial of overlayfs";
/** No overlayfs in this kernel, none on this file system, or none for this daemon; all else is trouble. */
const REFUSALS = new Set(["ENODEV", "EINVAL", "EPERM", "EACCES", "EOPNOTSUPP"]);

/** Recorded in the root. Rejects if the root began with another one than is `wanted`. */
export async function chooseSnapshotter(
  { executor, warn }: ChoiceDeps,
  root: string,
  wanted: SnapshotterName | undefined,
): Promise<SnapshotterName> {
  mkdirSync(root, { recursive: true, mode: 0o710 });
  const began = readChoice(root);
  if (began !== undefined && wanted !== undefined && began !== wanted)
    throw systemError(
      `${root} was begun with the snapshotter ${began}: start with it, or give ${wanted} a root of its own`,
    );
  const name = began ?? wanted ?? ((await canOverlay(executor, root)) ? "overlayfs" : "native");
  if (began === undefined && wanted === undefined && name === "native")
    warn(`overlayfs cannot be mounted in ${root}: snapshots are copied whole (native)`);
  // Never again: a daemon must be able to start on a full disk.
  if (began === undefined) writeFileSync(join(root, "snapshotter"), `${name}\n`);
  return name;
}

/** Roots from before there was a choice are overlayfs's. */
function readChoice(root: string): SnapshotterName | undefined {
  const path = join(root, "snapshotter");
  if (!existsSync(path)) return existsSync(join(root, "meta.db")) ? "overlayfs" : undefined;
  return readFileSync(path, "utf8").trim() === "native" ? "native" : "overlayfs";
}

async function canOverlay(executor: Pick<Executor, "run">, root: string): Promise<boolean> {
  const folder = join(root, "overlay-trial");
  const [lower, upper, work, target] = ["lower", "upper", "work", "target"].map((name) => join(folder, name));
  try {
    for (const path of [lower, upper, work, target]) mkdirSync(path ?? folder, { recursive: true });
    const plan: Plan = [
      { op: "unshare", why, flags: CLONE_NEWNS },
      { op: "mountAttr", why, target: "/", set: 0, clear: 0, propagation: MS_PRIVATE, recursive: true },
      {
        op: "mount",
        why,
        fstype: "overlay",
        source: "overlay",
        target: target ?? folder,
        flags: 0,
        data: `index=off,workdir=${work},upperdir=${upper},lowerdir=${lower}`,
      },
    ];
    await executor.run(plan, new AbortController().signal);
    return true;
  } catch (error) {
    if (error instanceof PlanError && REFUSALS.has(error.code)) return false;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
