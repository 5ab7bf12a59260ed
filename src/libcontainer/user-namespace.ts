// A user namespace's maps, written from outside while the child waits.

import { invalid } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { IdMapping, Linux } from "#spec/oci-runtime.ts";
import { O_CLOEXEC, O_WRONLY, PROC_SUPER_MAGIC } from "./linux-flags.table.ts";

/** The kernel takes one page and 340 extents at most (man 7 user_namespaces). */
const MAX_MAPPINGS = 340;

export function planIdMaps(linux: Linux | undefined): Plan {
  return [
    writeMap("uid_map", linux?.uidMappings ?? [], "linux.uidMappings"),
    writeMap("gid_map", linux?.gidMappings ?? [], "linux.gidMappings"),
    ...becomeRoot,
  ];
}

function writeMap(file: string, mappings: readonly IdMapping[], why: string): Op {
  return {
    op: "write",
    why,
    host: true,
    path: `/proc/$PID/${file}`,
    flags: O_WRONLY | O_CLOEXEC,
    data: encodeIdMap(mappings, why),
    fsMagic: PROC_SUPER_MAGIC,
  };
}

/** What the kernel's uid_map and gid_map take. */
export function encodeIdMap(mappings: readonly IdMapping[], why: string): Uint8Array {
  if (mappings.length === 0) throw invalid(`a new user namespace needs ${why}`);
  const lines = mappings
    .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`)
    .join("");
  if (mappings.length > MAX_MAPPINGS || lines.length >= 4096) throw invalid(`${why} has too many entries`);
  return new TextEncoder().encode(lines);
}

const why = "root of the user namespace";
const becomeRoot: Plan = [
  { op: "setgroups", why, gids: [] },
  { op: "setgid", why, gid: 0 },
  { op: "setuid", why, uid: 0 },
];
