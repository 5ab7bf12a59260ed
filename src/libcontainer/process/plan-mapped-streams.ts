// Standard streams of a process in a user namespace that is joined, given to its user while the machine's root is at work: the namespace's root
// may not, as they are the caller's.

import type { Plan } from "#kernel/plan/ops.ts";
import type { IdMapping, Linux, Process } from "#spec/oci-runtime.ts";
import { callerStreams } from "./plan-terminal.ts";

/** `linux` tells the maps of the namespace; without them, and for a terminal, which is the container's own, nothing is done. */
export function planMappedStreams({ terminal, user }: Process, linux: Linux | undefined): Plan {
  const joined = linux?.namespaces?.some(({ type, path }) => type === "user" && path);
  const uid = findHostId(linux?.uidMappings, user?.uid ?? 0);
  const gid = findHostId(linux?.gidMappings, user?.gid ?? 0);
  if (joined !== true || terminal === true || uid === undefined || gid === undefined) return [];
  const why = "standard streams belong to the user";
  return [
    ...callerStreams.map((slot, fd) => ({ op: "dupTo", why: "standard streams", slot, fd }) as const),
    { op: "chownStdio", why, uid, gid },
  ];
}

const findHostId = (mappings: readonly IdMapping[] = [], id: number): number | undefined => {
  const found = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return found === undefined ? undefined : found.hostID + id - found.containerID;
};
