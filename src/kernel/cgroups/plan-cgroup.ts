// Operations that make a cgroup, limit it, move the executing process into it, and remove it.

import { posix } from "node:path";
import { systemError } from "#base/errors.ts";
import type { Op, Plan } from "../plan/ops.ts";
import { buildDeviceProgram } from "./device-program.ts";
import { baseDeviceRules, deviceWrites, evaluateDeviceRules } from "./device-rules.ts";
import type { CgroupLayout } from "./layout.ts";
import { ancestry, type CgroupPaths, findController, type V1Directory } from "./paths.ts";
import type { CgroupResources, CgroupSetting } from "./resources.ts";
import { settingsV1 } from "./settings-v1.ts";
import { settingsV2 } from "./settings-v2.ts";

const O_WRONLY_CLOEXEC = 0o2000001;
const O_PATH_DIRECTORY = 0o12200000;

const text = new TextEncoder();

/** A new cgroup with these limits. */
export const planCgroup = (paths: CgroupPaths, layout: CgroupLayout, resources: CgroupResources): Plan => [
  ...paths.v1.flatMap(planDirectory),
  ...planV2Directory(paths, layout),
  ...planSettings(paths, resources),
];

/** Limits of a cgroup that is there. */
export function planSettings(paths: CgroupPaths, resources: CgroupResources): Plan {
  const settings = paths.v2 === undefined ? settingsV1(resources) : settingsV2(resources);
  return [
    ...settings.map((setting) => writeSetting(paths, setting)),
    ...(paths.v2 === undefined
      ? planDevicesV1(paths, resources)
      : planDevicesV2(paths.v2.directory, resources)),
  ];
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

function writeSetting(paths: CgroupPaths, { controller, file, value }: CgroupSetting): Op {
  const directory = findController(paths, controller);
  if (directory === undefined)
    throw systemError(`cannot set ${file}: the cgroup controller "${controller}" is not mounted`);
  return writeFile(`${directory}/${file}`, value, `linux.resources: ${file}`);
}

const writeFile = (path: string, value: string, why: string): Op => ({
  op: "write",
  why,
  path,
  flags: O_WRONLY_CLOEXEC,
  data: text.encode(value),
});

function planDevicesV1(paths: CgroupPaths, { devices }: CgroupResources): readonly Op[] {
  const directory = findController(paths, "devices");
  if (devices === undefined || directory === undefined) return [];
  return deviceWrites(evaluateDeviceRules([...devices, ...baseDeviceRules])).map(({ file, value }) =>
    writeFile(`${directory}/${file}`, value, "linux.resources.devices"),
  );
}

function planV2Directory(paths: CgroupPaths, layout: CgroupLayout): Plan {
  if (paths.v2 === undefined) return [];
  const { mountPoint, directory } = paths.v2;
  const enable = (layout.v2?.controllers ?? []).map((name) => `+${name}`).join(" ");
  const levels = ancestry(mountPoint, directory);
  return levels.flatMap((path): readonly Op[] => [
    // An ancestor with processes of its own refuses; a limit that then has no file fails by name.
    {
      ...writeFile(`${posix.dirname(path)}/cgroup.subtree_control`, enable, "cgroup controllers"),
      mayFail: true,
    },
    { op: "mkdir", why: "cgroup", path, mode: 0o755 },
  ]);
}

function planDevicesV2(directory: string, { devices }: CgroupResources): readonly Op[] {
  if (devices === undefined) return [];
  const policy = evaluateDeviceRules([...devices, ...baseDeviceRules]);
  if (policy.allow && policy.exceptions.length === 0) return [];
  return [
    { op: "bpfDevice", why: "linux.resources.devices", path: directory, program: buildDeviceProgram(policy) },
  ];
}

/** Version 1: the executing process joins. "0" to `tasks` moves one thread and so spares the kernel's lock (and RCU wait) over all
 *  processes that `cgroup.procs` takes; the executing process has one thread. */
export const planJoin = (paths: CgroupPaths): Plan =>
  paths.v1.map(({ controllers, directory }) =>
    writeFile(`${directory}/tasks`, "0", `join cgroup ${controllers.join(",")}`),
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
