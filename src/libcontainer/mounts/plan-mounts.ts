// The mounts of a container's own file systems, in the order of the specification.

import { systemError, unsupported } from "#base/errors.ts";
import type { CgroupLayout } from "#kernel/cgroups/layout.ts";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { MS_RDONLY, MS_REMOUNT } from "../linux-flags.table.ts";
import { COVERED_SLOT, NEW_MOUNT_SLOT, ROOT_SLOT } from "../slots.ts";
import { planAttach, planOpenTarget, refuseForbiddenTarget, targetOf } from "./guarded-targets.ts";
import { type ParsedOptions, parseMountOptions } from "./mount-options.ts";
import { planAttributes, planBind, planReadonly, planTreeAttributes, planTreeMount } from "./plan-bind.ts";
import { planCgroupMount } from "./plan-cgroup-mount.ts";
import { planFilesystem } from "./plan-filesystem.ts";
import { canBeDetached, planNewMount } from "./plan-new-mount.ts";

export interface MountContext {
  readonly cgroup: CgroupPaths;
  readonly layout: CgroupLayout;
  readonly ownCgroupNamespace: boolean;
  /** The container's own or one that the runtime itself runs in. */
  readonly inUserNamespace: boolean;
  /** Slots of trees that were made before the namespaces changed, by index of the mount. */
  readonly trees: ReadonlyMap<number, number>;
}

/** One mount on its way into the plan. */
interface Item {
  readonly mount: Mount;
  readonly index: number;
  readonly why: string;
  readonly target: string;
  readonly options: ParsedOptions;
  /** Read-only not before what lies in it is made. */
  readonly late: boolean;
}

function itemsOf(spec: Spec): readonly Item[] {
  const mounts = spec.mounts ?? [];
  const inside = [
    ...mounts.map(targetOf),
    ...(spec.linux?.devices ?? []).map(({ path }) => path),
    "/dev/null",
  ];
  return mounts.map((mount, index) => {
    const target = targetOf(mount);
    const options = parseMountOptions(mount);
    const late =
      mount.type === "tmpfs" &&
      options.bind === "no" &&
      (options.flags & (MS_RDONLY | MS_REMOUNT)) === MS_RDONLY &&
      inside.some((path) => path.startsWith(`${target}/`));
    return { mount, index, target, why: `mounts[${index}] ${target}`, options, late };
  });
}

export const planMounts = (spec: Spec, context: MountContext): readonly Op[] =>
  itemsOf(spec).flatMap((item) => {
    refuseForbiddenTarget(item.mount);
    return planMount(item, context);
  });

function planMount(item: Item, context: MountContext): readonly Op[] {
  const { mount, index, options, target, why } = item;
  const slot = context.trees.get(index);
  if (options.copyUp && mount.type !== "tmpfs")
    throw unsupported(`${why}: mount option "tmpcopyup" without type tmpfs`);
  if (slot !== undefined) return planTreeMount(slot, options, { why, target });
  if (options.flags & MS_REMOUNT) return planRemount(item);
  if (options.bind !== "no") return planBind(mount.source ?? "", options, { why, target });
  if (!mount.type) throw systemError(`${why}: a mount needs a type`);
  if (mount.type === "cgroup") return planCgroupMount({ target, why, options }, context);
  if (!canBeDetached(mount.type, options)) return planByName(item);
  return planFresh({ ...item, options: { ...options, flags: flagsOf(item) } });
}

const flagsOf = ({ options, late }: Item): number => (late ? options.flags & ~MS_RDONLY : options.flags);

/** A new instance of a file system. */
function planFresh({ mount, options, target, why }: Item): readonly Op[] {
  const fstype = mount.type ?? "";
  const isGiven = (name: string): boolean =>
    options.data.some((option) => new RegExp(`(^|,)${name}=`).test(option));
  const keepMode = fstype === "tmpfs" && !isGiven("mode");
  const slot = NEW_MOUNT_SLOT;
  // A tmpfs is readable only as soon as it has its content and its mode.
  const isTmpfs = fstype === "tmpfs";
  const readonly = isTmpfs && (options.flags & MS_RDONLY) !== 0 ? [planReadonly("", why, slot)] : [];
  const made = isTmpfs ? { ...options, flags: options.flags & ~MS_RDONLY } : options;
  return [
    planNewMount({ why, fstype, source: mount.source || fstype, options: made, slot }),
    ...(options.copyUp ? planCopyUp(target, why, ["mode", "uid", "gid"].some(isGiven)) : []),
    ...planTreeAttributes(options, { why, target: "", root: slot }),
    ...planAttach(slot, { why, target, keepMode, afterwards: readonly }),
  ];
}

const planCopyUp = (target: string, why: string, contentOnly: boolean): readonly Op[] => [
  ...planOpenTarget(target, why, COVERED_SLOT),
  { op: "copyTree", why: `${why}: tmpcopyup`, from: COVERED_SLOT, to: NEW_MOUNT_SLOT, contentOnly },
  { op: "close", why, slot: COVERED_SLOT },
];

/** What only mount(2) can do. */
function planByName(item: Item): readonly Op[] {
  const { mount, options, target, why } = item;
  const fstype = mount.type ?? "";
  const at = { why, target: ".", root: COVERED_SLOT };
  const flags = flagsOf(item);
  return [
    ...planOpenTarget(target, why, COVERED_SLOT),
    planFilesystem({ ...at, fstype, source: mount.source || fstype, flags, data: options.data }),
    { op: "close", why, slot: COVERED_SLOT },
    ...planTreeAttributes(options, { why, target, root: ROOT_SLOT }),
  ];
}

/** Changes what an earlier entry mounted there. Of a bind what is not named stays, locked flags too. */
function planRemount({ mount, options, target, why }: Item): readonly Op[] {
  const at = { why, target, root: ROOT_SLOT };
  if (options.bind !== "no") return planAttributes(options, at);
  const { flags, data } = options;
  return [
    planFilesystem({ ...at, fstype: mount.type ?? "", source: mount.source ?? "", flags, data }),
    ...planTreeAttributes(options, at),
  ];
}

export const planLateReadonly = (spec: Spec): readonly Op[] =>
  itemsOf(spec)
    .filter(({ late }) => late)
    .map(({ target, why }) => planReadonly(target, why));
