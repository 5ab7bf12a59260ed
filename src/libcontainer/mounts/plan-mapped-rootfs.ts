// A root file system whose files keep their owners on the disk and are the ids of a user namespace in the container.
//
// overlayfs itself cannot be id-mapped, what it is made of can (Linux 5.19): the directory that holds the layers is covered with an
// id-mapped copy of itself, in the container's own mount namespace, for as long as overlayfs needs to find them there. It makes files in its
// upper directory as whoever mounted it, and the machine's root has no id there: so it is mounted by the namespace's root, with the
// machine's capabilities.

import { invalid } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { type IdMaps, rootOf } from "#spec/id-maps.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { MNT_DETACH, MOUNT_ATTR_IDMAP } from "../linux-flags.table.ts";
import { NEW_MOUNT_SLOT, SCRATCH_SLOT } from "../slots.ts";
import { encodeIdMap } from "../user-namespace.ts";
import { parseMountOptions } from "./mount-options.ts";
import { directoriesOf, planFilesystem, sharedDirectory } from "./plan-filesystem.ts";

const why = "root file system";
const PR_SET_SECUREBITS = 28;
const SECBIT_NO_SETUID_FIXUP = 4;

/** `mount` without its maps. */
export function planMappedRootfs(mount: Mount, maps: IdMaps, target: string): Plan {
  const options = parseMountOptions(mount);
  if (options.bind !== "no")
    return [...planMappedTree(mount.source ?? "", maps), ...planAttach(target), closeTree];
  if (mount.type !== "overlay") throw invalid(`a root file system of type ${mount.type} cannot be id-mapped`);
  const layers = sharedDirectory(options.data.flatMap(directoriesOf));
  if (layers === "") throw invalid("the layers of the root file system share no directory");
  const { flags, data } = options;
  const overlay = planFilesystem({ why, fstype: "overlay", source: "overlay", target, flags, data });
  return [
    ...planMappedTree(layers, maps),
    ...planAttach(layers),
    closeTree,
    ...planAsRoot(maps, overlay),
    { op: "umount", why, target: layers, flags: MNT_DETACH },
  ];
}

const closeTree: Op = { op: "close", why, slot: NEW_MOUNT_SLOT };
const planAttach = (target: string): Plan => [{ op: "attachTree", why, slot: NEW_MOUNT_SLOT, target }];

const planMappedTree = (source: string, { uids, gids }: IdMaps): Plan => [
  { op: "openTree", why, source, slot: NEW_MOUNT_SLOT, recursive: false },
  {
    op: "userNamespace",
    why,
    uidMap: encodeIdMap(uids, "uids of the root file system"),
    gidMap: encodeIdMap(gids, "gids of the root file system"),
    slot: SCRATCH_SLOT,
  },
  {
    op: "mountAttr",
    why: ID_MAPPED_ROOT,
    target: "",
    root: NEW_MOUNT_SLOT,
    set: MOUNT_ATTR_IDMAP,
    clear: 0,
    propagation: 0,
    recursive: false,
    usernsSlot: SCRATCH_SLOT,
  },
  { op: "close", why, slot: SCRATCH_SLOT },
];

/** Why of the operation that fails where the file system or the kernel cannot do it. */
const ID_MAPPED_ROOT = "id-mapped root file system";

/** Changing ids would take the capabilities away: that is switched off meanwhile. */
const planAsRoot = ({ uids, gids }: IdMaps, overlay: Op): Plan => [
  { op: "prctl", why, option: PR_SET_SECUREBITS, args: [SECBIT_NO_SETUID_FIXUP] },
  { op: "setgid", why, gid: rootOf(gids) },
  { op: "setuid", why, uid: rootOf(uids) },
  overlay,
  { op: "setuid", why, uid: 0 },
  { op: "setgid", why, gid: 0 },
  { op: "prctl", why, option: PR_SET_SECUREBITS, args: [0] },
];
