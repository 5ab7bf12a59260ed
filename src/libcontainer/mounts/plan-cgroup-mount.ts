// /sys/fs/cgroup in a container. Version 2 is one file system. Version 1 is a tmpfs with one directory per hierarchy: a mount of it
// where the container has a cgroup namespace, else a bind of the container's own cgroup. Of a hybrid machine it is version 1 alone, as
// with runc.

import { posix } from "node:path";
import { type CgroupHierarchy, type CgroupLayout, isUnified } from "#kernel/cgroups/layout.ts";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { MS_RDONLY } from "../linux-flags.table.ts";
import { NEW_MOUNT_SLOT, ROOT_SLOT } from "../slots.ts";
import { planAttach } from "./guarded-targets.ts";
import type { ParsedOptions } from "./mount-options.ts";
import { planBind, planReadonly, planTreeAttributes } from "./plan-bind.ts";
import { planNewMount } from "./plan-new-mount.ts";

export interface CgroupMount {
  readonly target: string;
  readonly why: string;
  readonly options: ParsedOptions;
}

export interface CgroupMountContext {
  readonly cgroup: CgroupPaths;
  readonly layout: CgroupLayout;
  readonly ownCgroupNamespace: boolean;
  readonly inUserNamespace: boolean;
}

export function planCgroupMount(mount: CgroupMount, context: CgroupMountContext): readonly Op[] {
  if (isUnified(context.layout)) return planUnified(mount, context);
  const { why, target, options } = mount;
  const tmpfs = { ...options, flags: options.flags & ~MS_RDONLY, data: ["mode=755"] };
  return [
    ...planAttached("tmpfs", { why, target, options: tmpfs }),
    ...context.layout.v1.flatMap((hierarchy) => planHierarchy(hierarchy, mount, context)),
    ...((options.flags & MS_RDONLY) === 0 ? [] : [planReadonly(target, why)]),
  ];
}

const planAttached = (fstype: string, { why, target, options }: CgroupMount): readonly Op[] => [
  planNewMount({
    why,
    fstype,
    source: fstype === "tmpfs" ? "tmpfs" : "cgroup",
    options,
    slot: NEW_MOUNT_SLOT,
  }),
  ...planTreeAttributes(options, { why, target: "", root: NEW_MOUNT_SLOT }),
  ...planAttach(NEW_MOUNT_SLOT, { why, target }),
];

/** In a user namespace only a cgroup namespace of its own may be mounted. Without one the machine's tree is bound, and nobody may write
 *  to it there (CVE-2023-25809). */
function planUnified(mount: CgroupMount, context: CgroupMountContext): readonly Op[] {
  const { why, target, options } = mount;
  if (context.ownCgroupNamespace || !context.inUserNamespace) return planAttached("cgroup2", mount);
  const flags = options.flags | MS_RDONLY;
  return planBind(
    context.layout.v2?.mountPoint ?? "",
    { ...options, flags, data: [], bind: "one" },
    { why, target },
  );
}

function planHierarchy(
  hierarchy: CgroupHierarchy,
  mount: CgroupMount,
  { cgroup, ownCgroupNamespace }: CgroupMountContext,
): readonly Op[] {
  const name = posix.basename(hierarchy.mountPoint);
  const at = { why: `${mount.why}/${name}`, target: `${mount.target}/${name}` };
  const { options } = mount;
  const own = cgroup.v1.find(({ mountPoint }) => mountPoint === hierarchy.mountPoint);
  const directory = own?.directory ?? posix.join(hierarchy.mountPoint, hierarchy.own);
  const shown = ownCgroupNamespace
    ? planAttached("cgroup", { ...at, options: { ...options, propagation: [], data: hierarchy.controllers } })
    : planBind(directory, { ...options, propagation: [], data: [], bind: "one" }, at);
  return [
    ...shown,
    ...hierarchy.controllers
      .filter((controller) => controller !== name && name.split(",").includes(controller))
      .map(
        (controller): Op => ({
          op: "symlink",
          why: at.why,
          target: name,
          path: `${mount.target}/${controller}`,
          root: ROOT_SLOT,
          existsOk: true,
        }),
      ),
  ];
}
