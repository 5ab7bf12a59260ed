// Bind sources and mounts that must be taken before the container's namespaces are entered.

import { invalid } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { MS_SHARED } from "../linux-flags.table.ts";
import { FIRST_TREE_SLOT, LAST_TREE_SLOT, ROOT_SLOT, SCRATCH_SLOT } from "../slots.ts";
import { planOpenGuarded, targetOf } from "./guarded-targets.ts";
import { type ParsedOptions, parseMountOptions } from "./mount-options.ts";
import { planTree } from "./plan-bind.ts";
import { planFilesystem } from "./plan-filesystem.ts";
import { planOpenRoot } from "./plan-rootfs.ts";

const isShared = ({ propagation }: ParsedOptions): boolean =>
  propagation.some(({ flag }) => flag === MS_SHARED);

/** Shared mounts must be cloned while they are in the host's peer group; sources that the user namespace's root may not reach, while
 *  the machine's root is still at work. */
function earlyBinds(spec: Spec, ownUserNamespace: boolean): readonly { mount: Mount; index: number }[] {
  return (spec.mounts ?? [])
    .map((mount, index) => ({ mount, index }))
    .filter(({ mount }) => {
      const options = parseMountOptions(mount);
      return options.bind !== "no" && (ownUserNamespace || isShared(options));
    });
}

/** Slot by index of the mount. */
export function assignTreeSlots(spec: Spec, ownUserNamespace: boolean): ReadonlyMap<number, number> {
  const binds = earlyBinds(spec, ownUserNamespace);
  if (binds.length > LAST_TREE_SLOT - FIRST_TREE_SLOT + 1)
    throw invalid(
      `${binds.length} bind mounts are shared or enter a user namespace: ${LAST_TREE_SLOT - FIRST_TREE_SLOT + 1} at most`,
    );
  return new Map(binds.map(({ index }, position) => [index, FIRST_TREE_SLOT + position]));
}

export function planEarlyTrees(spec: Spec, ownUserNamespace: boolean): Plan {
  const slots = assignTreeSlots(spec, ownUserNamespace);
  return earlyBinds(spec, ownUserNamespace).map(({ mount, index }) => {
    if (!mount.source) throw invalid(`mounts[${index}]: a bind mount needs a source`);
    return planTree(mount.source, parseMountOptions(mount), {
      why: `mounts[${index}] ${targetOf(mount)}`,
      slot: slots.get(index) ?? FIRST_TREE_SLOT,
    });
  });
}

/** sysfs shows a network namespace and may be mounted only by its owner: of a namespace that was given, that is the machine's root. */
const needsMachineRoot = (mount: Mount, newNetwork: boolean): boolean =>
  mount.type === "sysfs" && !newNetwork;

export const earlyMountIndexes = (spec: Spec, newNetwork: boolean): ReadonlySet<number> =>
  new Set(
    (spec.mounts ?? []).flatMap((mount, index) => (needsMachineRoot(mount, newNetwork) ? [index] : [])),
  );

/** Runs where the root file system is mounted and the network namespace is entered, before the user namespace is. */
export function planEarlyMounts(spec: Spec, rootPath: string, newNetwork: boolean): Plan {
  const mounts = (spec.mounts ?? []).flatMap((mount, index): Plan => {
    if (!needsMachineRoot(mount, newNetwork)) return [];
    const options = parseMountOptions(mount);
    const why = `mounts[${index}] ${targetOf(mount)}`;
    return [
      ...planOpenGuarded(targetOf(mount), why, SCRATCH_SLOT),
      planFilesystem({
        why,
        fstype: "sysfs",
        source: mount.source || "sysfs",
        target: ".",
        root: SCRATCH_SLOT,
        flags: options.flags,
        data: options.data,
      }),
      { op: "close", why, slot: SCRATCH_SLOT },
    ];
  });
  if (mounts.length === 0) return [];
  return [planOpenRoot(rootPath), ...mounts, { op: "close", why: "root file system", slot: ROOT_SLOT }];
}
