// Operations that make a cgroup, limit it, move the executing process into it, and remove it.

import { posix } from "node:path";
import { systemError } from "#base/errors.ts";
import type { Op, Plan } from "../plan/ops.ts";
import { type CgroupLayout, isUnified } from "./layout.ts";
import { ancestry, type CgroupPaths, getController, type V1Directory } from "./paths.ts";
import { planDevices } from "./plan-devices.ts";
import { planWrite } from "./plan-write.ts";
import type { CgroupResources, CgroupSetting } from "./resources.ts";
import { settingsV1 } from "./settings-v1.ts";
import { settingsV2 } from "./settings-v2.ts";

const O_PATH_DIRECTORY = 0o12200000;

/** A new cgroup with these limits. */
export const planCgroup = (paths: CgroupPaths, layout: CgroupLayout, resources: CgroupResources): Plan => [
  ...planDirectories(paths, layout),
  ...planLimits(paths, layout, resources),
];

/** A new cgroup without limits; nothing where it is there. */
export const planDirectories = (paths: CgroupPaths, layout: CgroupLayout): Plan => [
  ...paths.v1.flatMap(planDirectory),
  ...planV2Directory(paths, layout),
];

/** Limits of a cgroup that is there. */
export function planLimits(paths: CgroupPaths, layout: CgroupLayout, resources: CgroupResources): Plan {
  const offers = layout.offers ?? (() => true);
  const settings = isUnified(layout)
    ? settingsV2(resources, { offers, controllers: controllersOf(paths, layout) })
    : settingsV1(resources, { offers });
  if (isUnified(layout) && paths.v2 === undefined && settings.length > 0)
    throw systemError(
      "rootless needs no limits + no cgrouppath when no permission is granted for cgroups: permission denied",
    );
  return [
    ...settings.map((setting) => planSetting(paths, setting)),
    ...planDevices(paths, resources.devices),
  ];
}

function planSetting(paths: CgroupPaths, { controller, file, value, ...fate }: CgroupSetting): Op {
  const write = planWrite(`${getController(paths, controller)}/${file}`, value, `linux.resources: ${file}`);
  if (fate.repeated === true) return { ...write, mayFail: true };
  return fate.optional === true ? { ...write, missingOk: true } : write;
}

function planDirectory({ controllers, mountPoint, directory }: V1Directory): readonly Op[] {
  const why = `cgroup ${controllers.join(",")}`;
  if (!controllers.includes("cpuset"))
    return [{ op: "mkdir", why, path: directory, mode: 0o755, parents: true }];
  return ancestry(mountPoint, directory).flatMap((path) => [
    { op: "mkdir", why, path, mode: 0o755 },
    ...["cpuset.cpus", "cpuset.mems"].map(
      (file): Op => ({
        op: "inheritFile",
        why: `${why}: ${file} starts empty`,
        from: `${posix.dirname(path)}/${file}`,
        to: `${path}/${file}`,
      }),
    ),
  ]);
}

function planV2Directory(paths: CgroupPaths, layout: CgroupLayout): Plan {
  if (paths.v2 === undefined) return [];
  const { mountPoint, directory } = paths.v2;
  const enable = controllersOf(paths, layout)
    .map((name) => `+${name}`)
    .join(" ");
  const levels = ancestry(mountPoint, directory);
  return levels.flatMap((path): readonly Op[] => [
    // An ancestor with processes of its own refuses; a limit that then has no file fails by name.
    {
      ...planWrite(`${posix.dirname(path)}/cgroup.subtree_control`, enable, "cgroup controllers"),
      mayFail: true,
    },
    { op: "mkdir", why: "cgroup", path, mode: 0o755 },
  ]);
}

const controllersOf = ({ v2 }: CgroupPaths, layout: CgroupLayout): readonly string[] =>
  v2?.controllers ?? layout.v2?.controllers ?? [];

/** Version 1: the executing process joins. "0" to `tasks` moves one thread and so spares the kernel's lock (and RCU wait) over all
 *  processes that `cgroup.procs` takes; the executing process has one thread. */
export const planJoin = (paths: CgroupPaths): Plan =>
  paths.v1.map(({ controllers, directory }) =>
    planWrite(`${directory}/tasks`, "0", `join cgroup ${controllers.join(",")}`),
  );

/** Version 2: the directory is opened so that `clone` can start the child in it. */
export const planOpenForClone = (paths: CgroupPaths, slot: number): Plan =>
  paths.v2 === undefined
    ? []
    : [{ op: "open", why: "join cgroup", path: paths.v2.directory, flags: O_PATH_DIRECTORY, slot }];

/** Removes the cgroup itself, not its ancestors, and no cgroup below it. */
export const planRemove = (paths: CgroupPaths): Plan =>
  [...paths.v1.map(({ directory }) => directory), ...(paths.v2 ? [paths.v2.directory] : [])].map(
    (path): Op => ({ op: "rmdir", why: "remove cgroup", path, missingOk: true }),
  );
