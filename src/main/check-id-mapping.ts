// Whether the daemon's files can be shown to containers with other owners: known at the start, not with the first container.

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { invalid, unsupported } from "#base/errors.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { encodeMappings, type IdMaps } from "#spec/id-maps.ts";

const MOUNT_ATTR_IDMAP = 0x10_0000;
const OWNER = 0;
const TREE = 1;

/** Rejects for a kernel or a file system that has no id-mapped mounts. */
export async function checkIdMapping(
  executor: Executor,
  directory: string,
  maps: IdMaps,
  signal: AbortSignal,
): Promise<void> {
  try {
    await executor.run(planProbe(directory, maps), signal);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    throw unsupported(`--userns-remap with a data root that cannot be id-mapped (${error.message})`);
  }
}

const planProbe = (directory: string, { uids, gids }: IdMaps): Plan => {
  const why = directory;
  return [
    { op: "userNamespace", why, uidMap: encodeMappings(uids), gidMap: encodeMappings(gids), slot: OWNER },
    { op: "openTree", why, source: directory, slot: TREE, recursive: false },
    {
      op: "mountAttr",
      why,
      target: "",
      root: TREE,
      set: MOUNT_ATTR_IDMAP,
      clear: 0,
      propagation: 0,
      recursive: false,
      usernsSlot: OWNER,
    },
  ];
};

/** Throws in Docker's words if the root of a user namespace could not get to a directory: its root file system is mounted below. */
export function checkReachable(path: string): void {
  const OTHERS_SEARCH = 0o001;
  for (let directory = path; directory !== "/"; directory = dirname(directory))
    if ((statSync(directory).mode & OTHERS_SEARCH) === 0)
      throw invalid(
        `a subdirectory in your exec-root path (${path}) restricts access to the remapped root uid/gid; please fix by allowing 'o+x' permissions on existing directories`,
      );
}
