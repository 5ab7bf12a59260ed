// A user namespace's maps, written from outside while the child waits.

import { invalid } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { encodeMappings } from "#spec/id-maps.ts";
import type { IdMapping, Linux, Spec } from "#spec/oci-runtime.ts";
import type { HostFacts } from "./host-facts.ts";
import { O_CLOEXEC, O_WRONLY, PR_SET_DUMPABLE, PROC_SUPER_MAGIC } from "./linux-flags.table.ts";

const CAP_SET_IDS = (1n << 6n) | (1n << 7n);

/** The kernel takes one page and 340 extents at most (man 7 user_namespaces). */
const MAX_MAPPINGS = 340;

/** By the kernel's files where we may write them; else by the set-uid helpers newuidmap(1) and newgidmap(1), which know what /etc/subuid
 *  and /etc/subgid give to a user. */
export function planIdMaps(linux: Linux | undefined, host: HostFacts): Plan {
  const uids = linux?.uidMappings ?? [];
  const gids = linux?.gidMappings ?? [];
  if ((host.grantable & CAP_SET_IDS) === CAP_SET_IDS)
    return [
      writeMap("uid_map", encodeIdMap(uids, "linux.uidMappings"), "linux.uidMappings"),
      writeMap("gid_map", encodeIdMap(gids, "linux.gidMappings"), "linux.gidMappings"),
      ...planBecomeRoot(true),
    ];
  const own = host.ids ?? { uid: 0, gid: 0 };
  const helped = !isOwnId(gids, own.gid);
  return [
    { op: "prctl", why, option: PR_SET_DUMPABLE, args: [1] }, // else /proc/PID belongs to the machine's root
    ...planMap({ file: "uid_map", helper: "/usr/bin/newuidmap", own: own.uid }, uids, "linux.uidMappings"),
    ...(helped ? [] : [writeMap("setgroups", new TextEncoder().encode("deny"), "linux.gidMappings")]),
    ...planMap({ file: "gid_map", helper: "/usr/bin/newgidmap", own: own.gid }, gids, "linux.gidMappings"),
    { op: "prctl", why, option: PR_SET_DUMPABLE, args: [0] },
    ...planBecomeRoot(helped),
  ];
}

/** Without supplementary groups: the kernel lets nobody change them whose group map nobody vouched for. */
export const mayNotSetGroups = (spec: Spec, host: HostFacts): boolean =>
  (host.grantable & CAP_SET_IDS) !== CAP_SET_IDS &&
  (spec.linux?.namespaces ?? []).some(({ type, path }) => type === "user" && !path) &&
  isOwnId(spec.linux?.gidMappings ?? [], host.ids?.gid ?? 0);

const isOwnId = (mappings: readonly IdMapping[], id: number): boolean =>
  mappings.length === 1 && mappings[0]?.size === 1 && mappings[0].hostID === id;

function planMap(
  map: { readonly file: string; readonly helper: string; readonly own: number },
  mappings: readonly IdMapping[],
  why: string,
): Plan {
  const data = encodeIdMap(mappings, why);
  if (isOwnId(mappings, map.own)) return [writeMap(map.file, data, why)];
  const numbers = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size]);
  return [
    {
      op: "spawn",
      why: `${why}: ${map.helper}`,
      host: true,
      path: map.helper,
      argv: [map.helper, "PID", ...numbers.map(String)],
      pidArg: 1,
      env: [],
      stdin: [],
      timeoutMs: 10_000,
    },
  ];
}

const writeMap = (file: string, data: Uint8Array, why: string): Op => ({
  op: "write",
  why,
  host: true,
  path: `/proc/$PID/${file}`,
  flags: O_WRONLY | O_CLOEXEC,
  data,
  fsMagic: PROC_SUPER_MAGIC,
});

/** What the kernel's uid_map and gid_map take. */
export function encodeIdMap(mappings: readonly IdMapping[], why: string): Uint8Array {
  if (mappings.length === 0) throw invalid(`a new user namespace needs ${why}`);
  const lines = encodeMappings(mappings);
  if (mappings.length > MAX_MAPPINGS || lines.length >= 4096) throw invalid(`${why} has too many entries`);
  return lines;
}

const why = "root of the user namespace";

/** `groups`: the supplementary ones may be given up. */
export const planBecomeRoot = (groups: boolean): Plan => [
  ...(groups ? [{ op: "setgroups", why, gids: [] } as const] : []),
  { op: "setgid", why, gid: 0 },
  { op: "setuid", why, uid: 0 },
];
