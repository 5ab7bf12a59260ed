// The mounts of a container's own file systems, in the order of the specification.

import { systemError } from "#base/errors.ts";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { MOUNT_ATTR_RDONLY, MS_RDONLY } from "../linux-flags.table.ts";
import { ROOT_SLOT, SCRATCH_SLOT } from "../slots.ts";
import { isGuarded, planOpenGuarded, refuseForbiddenTarget, targetOf } from "./guarded-targets.ts";
import { type ParsedOptions, parseMountOptions } from "./mount-options.ts";
import { planBind, planTreeAttributes, planTreeMount } from "./plan-bind.ts";
import { planCgroupMount } from "./plan-cgroup-mount.ts";
import { planFilesystem } from "./plan-filesystem.ts";

export interface MountContext {
  readonly cgroup: CgroupPaths;
  readonly ownCgroupNamespace: boolean;
  readonly ownUserNamespace: boolean;
  /** Slots of bind sources that were cloned before the namespaces changed, by index of the mount. */
  readonly trees: ReadonlyMap<number, number>;
  /** Mounts that are there already, by index. */
  readonly done: ReadonlySet<number>;
}

/** One mount on its way into the plan. */
interface Item {
  readonly mount: Mount;
  readonly index: number;
  readonly why: string;
  readonly target: string;
  readonly options: ParsedOptions;
}

const itemOf = (mount: Mount, index: number): Item => {
  const target = targetOf(mount);
  return { mount, index, target, why: `mounts[${index}] ${target}`, options: parseMountOptions(mount) };
};

export function planMounts(mounts: readonly Mount[], context: MountContext): readonly Op[] {
  return mounts.flatMap((mount, index) => {
    refuseForbiddenTarget(mount);
    return context.done.has(index) ? [] : planMount(itemOf(mount, index), context);
  });
}

function planMount(item: Item, context: MountContext): readonly Op[] {
  const { mount, options, target, why } = item;
  if (options.bind !== "no") return planBindItem(item, context);
  switch (mount.type) {
    case undefined:
    case "":
      throw systemError(`${why}: a mount needs a type`);
    case "cgroup":
      return planCgroupMount({ target, why, options }, context);
    case "tmpfs":
      return planFresh({ ...item, options: { ...options, flags: options.flags & ~MS_RDONLY } });
    default:
      return planFresh(item);
  }
}

function planBindItem({ mount, index, options, target, why }: Item, context: MountContext): readonly Op[] {
  const slot = context.trees.get(index);
  if (slot !== undefined) return planTreeMount(slot, options, { why, target, root: ROOT_SLOT });
  if (!mount.source) throw systemError(`${why}: a bind mount needs a source`);
  return planBind(mount.source, options, { why, target, root: ROOT_SLOT });
}

/** A new instance of a file system. */
function planFresh({ mount, options, target, why }: Item): readonly Op[] {
  const at = isGuarded(target)
    ? { open: planOpenGuarded(target, why, SCRATCH_SLOT), root: SCRATCH_SLOT, path: "." }
    : { open: [planMountPoint(target, why)], root: ROOT_SLOT, path: target };
  const fstype = mount.type ?? "";
  const hasMode = options.data.some((option) => option.startsWith("mode="));
  return [
    ...at.open,
    planFilesystem({
      why,
      fstype,
      source: mount.source || fstype,
      target: at.path,
      root: at.root,
      flags: options.flags,
      data: options.data,
      ...(fstype === "tmpfs" && !hasMode && { keepMode: true }),
    }),
    ...(at.root === SCRATCH_SLOT ? [{ op: "close", why, slot: SCRATCH_SLOT } as const] : []),
    ...planTreeAttributes(options, { why, target, root: ROOT_SLOT }),
  ];
}

const planMountPoint = (target: string, why: string): Op => ({
  op: "mkdir",
  why,
  path: target,
  root: ROOT_SLOT,
  mode: 0o755,
  parents: true,
});

/** tmpfs mounts stay writable until everything inside them is made. */
export function planLateReadonly(mounts: readonly Mount[]): readonly Op[] {
  return mounts.map(itemOf).flatMap(({ mount, options, target, why }): readonly Op[] => {
    if (mount.type !== "tmpfs" || options.bind !== "no" || (options.flags & MS_RDONLY) === 0) return [];
    return [planReadonly(target, why)];
  });
}

export const planReadonly = (target: string, why: string): Op => ({
  op: "mountAttr",
  why,
  target,
  root: ROOT_SLOT,
  set: MOUNT_ATTR_RDONLY,
  clear: 0,
  propagation: 0,
  recursive: false,
});
