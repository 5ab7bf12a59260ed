// Mounts in containers' directories that a daemon left which crashed. Only the shared memory of a running container is needed.

import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";

export interface StaleMountDeps {
  readonly executor: Pick<Executor, "run">;
  readonly containersDir: string;
}

const MNT_DETACH = 2;

export async function removeStaleMounts(deps: StaleMountDeps, living: ReadonlySet<string>): Promise<void> {
  const mounts = parseMountInfo(await readFile("/proc/self/mountinfo", "utf8"));
  const stale = mounts
    .map(({ mountPoint }) => mountPoint)
    .filter((path) => path.startsWith(`${deps.containersDir}/`) && !isShared(deps, path, living))
    .toReversed();
  if (stale.length === 0) return;
  const plan = stale.map(
    (target): Op => ({ op: "umount", why: "left", target, flags: MNT_DETACH, mayFail: true }),
  );
  await deps.executor.run(plan, new AbortController().signal);
}

function isShared(deps: StaleMountDeps, path: string, living: ReadonlySet<string>): boolean {
  const [id = "", ...rest] = relative(deps.containersDir, path).split("/");
  return living.has(id) && rest.join("/") === "mounts/shm";
}
