// /sys/fs/cgroup in a container. Version 2 is one file system. Version 1 is a tmpfs with one directory per hierarchy: a mount of it
// where the container has a cgroup namespace, else a bind of the container's own cgroup.

import { posix } from "node:path";
import type { CgroupPaths, V1Directory } from "#kernel/cgroups/paths.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { MOUNT_ATTR_RDONLY, MS_RDONLY } from "../linux-flags.table.ts";
import { ROOT_SLOT } from "../slots.ts";
import type { ParsedOptions } from "./mount-options.ts";
import { planBind, planTreeAttributes } from "./plan-bind.ts";
import { planFilesystem } from "./plan-filesystem.ts";

export interface CgroupMount {
  readonly target: string;
  readonly why: string;
  readonly options: ParsedOptions;
}

export function planCgroupMount(
  mount: CgroupMount,
  context: { readonly cgroup: CgroupPaths; readonly ownCgroupNamespace: boolean },
): readonly Op[] {
  const { target, why, options } = mount;
  const at = { why, target, root: ROOT_SLOT };
  const point: Op = { op: "mkdir", why, path: target, root: ROOT_SLOT, mode: 0o755, parents: true };
  if (context.cgroup.v2 !== undefined)
    return [
      point,
      planFilesystem({
        ...at,
        fstype: "cgroup2",
        source: "cgroup",
        flags: options.flags,
        data: options.data,
      }),
      ...planTreeAttributes(options, at),
    ];
  return [
    point,
    planFilesystem({
      ...at,
      fstype: "tmpfs",
      source: "tmpfs",
      flags: options.flags & ~MS_RDONLY,
      data: ["mode=755"],
    }),
    ...context.cgroup.v1.flatMap((hierarchy) => planHierarchy(hierarchy, mount, context.ownCgroupNamespace)),
    ...planTreeAttributes(options, at),
    ...((options.flags & MS_RDONLY) === 0
      ? []
      : [
          {
            op: "mountAttr",
            ...at,
            set: MOUNT_ATTR_RDONLY,
            clear: 0,
            propagation: 0,
            recursive: false,
          } as const,
        ]),
  ];
}

function planHierarchy(hierarchy: V1Directory, mount: CgroupMount, ownNamespace: boolean): readonly Op[] {
  const name = posix.basename(hierarchy.mountPoint);
  const target = `${mount.target}/${name}`;
  const why = `${mount.why}/${name}`;
  const at = { why, target, root: ROOT_SLOT };
  const { flags } = mount.options;
  const show = ownNamespace
    ? planFilesystem({
        ...at,
        fstype: "cgroup",
        source: "cgroup",
        flags,
        data: hierarchy.controllers,
      })
    : undefined;
  return [
    { op: "mkdir", why, path: target, root: ROOT_SLOT, mode: 0o755 },
    ...(show === undefined
      ? planBind(
          hierarchy.directory,
          { ...mount.options, propagation: [], bind: "one" },
          { ...at, exists: true },
        )
      : [show]),
    ...hierarchy.controllers
      .filter((controller) => controller !== name && name.split(",").includes(controller))
      .map(
        (controller): Op => ({
          op: "symlink",
          why,
          target: name,
          path: `${mount.target}/${controller}`,
          root: ROOT_SLOT,
          existsOk: true,
        }),
      ),
  ];
}
