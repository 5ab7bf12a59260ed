// Id-mapped mounts: the owners of a tree's files are shown as a user namespace maps them.

import { invalid } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { MOUNT_ATTR_IDMAP, O_CLOEXEC } from "../linux-flags.table.ts";
import { SCRATCH_SLOT } from "../slots.ts";
import { encodeIdMap } from "../user-namespace.ts";
import type { ParsedOptions } from "./mount-options.ts";

/** For a detached tree in a slot, by a process that is root where the tree's file system was mounted. */
export function planIdmap(
  { mount, options, why }: { readonly mount: Mount; readonly options: ParsedOptions; readonly why: string },
  spec: Spec,
  slot: number,
): Plan {
  if (options.idmap === "no") return [];
  return [
    planNamespace(mount, spec, why),
    {
      op: "mountAttr",
      why,
      target: "",
      root: slot,
      set: MOUNT_ATTR_IDMAP,
      clear: 0,
      propagation: 0,
      recursive: options.idmap === "tree",
      usernsSlot: SCRATCH_SLOT,
    },
    { op: "close", why, slot: SCRATCH_SLOT },
  ];
}

/** The mount's own maps; without them the container's. */
function planNamespace({ uidMappings = [], gidMappings = [] }: Mount, spec: Spec, why: string): Op {
  const slot = SCRATCH_SLOT;
  const joined = spec.linux?.namespaces?.find(({ type }) => type === "user")?.path;
  const own = uidMappings.length > 0 || gidMappings.length > 0;
  if (!own && joined) return { op: "open", why, path: joined, flags: O_CLOEXEC, slot };
  const uids = own ? uidMappings : (spec.linux?.uidMappings ?? []);
  const gids = own ? gidMappings : (spec.linux?.gidMappings ?? []);
  if (uids.length === 0 || gids.length === 0)
    throw invalid(`invalid mount ${why}: id-mapped mounts must have both uid and gid mappings specified`);
  return {
    op: "userNamespace",
    why,
    uidMap: encodeIdMap(uids, `${why}: uidMappings`),
    gidMap: encodeIdMap(gids, `${why}: gidMappings`),
    slot,
  };
}
