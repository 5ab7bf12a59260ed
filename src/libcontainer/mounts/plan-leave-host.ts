// The last step of the mounts: the container's root becomes the only one.

import { readFileSync } from "node:fs";
import { type MountInfo, parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { MNT_DETACH, UMOUNT_NOFOLLOW } from "../linux-flags.table.ts";
import { NEW_MOUNT_SLOT } from "../slots.ts";
import { parseMountOptions } from "./mount-options.ts";
import { planNewMount } from "./plan-new-mount.ts";

const why = "the machine's mounts disappear";

/** `fullMounts`: as findFullMounts gives them, if pivot_root(2) shall not be used. */
export const planLeaveHost = (rootPath: string, fullMounts: readonly string[] | undefined): Plan =>
  fullMounts === undefined
    ? [{ op: "pivotRoot", why, newRoot: rootPath }]
    : planMoveRoot(
        rootPath,
        fullMounts.filter((path) => path !== rootPath && !path.startsWith(`${rootPath}/`)),
      );

/** Where pivot_root(2) cannot work, on an initramfs: the root is moved onto the old one and entered. The old mounts stay below it, and a
 *  whole procfs or sysfs among them would let the container mount one without the masks. So those are taken away, or covered where the
 *  kernel holds them. */
const planMoveRoot = (rootPath: string, fullMounts: readonly string[]): Plan => [
  { op: "chdir", why, path: rootPath },
  ...fullMounts.map(
    (path): Op => ({
      op: "umount",
      why: `--no-pivot ${path}`,
      target: path,
      flags: MNT_DETACH | UMOUNT_NOFOLLOW,
      missingOk: true,
    }),
  ),
  ...outermost(fullMounts).flatMap(planCover),
  { op: "moveMount", why, source: ".", target: "/" },
  { op: "chroot", why, path: "." },
  { op: "chdir", why, path: "/" },
];

const planCover = (path: string): Plan => {
  const at = { why: `--no-pivot ${path}`, slot: NEW_MOUNT_SLOT };
  const options = parseMountOptions({ destination: path, options: ["ro", "nosuid", "nodev", "noexec"] });
  return [
    planNewMount({ ...at, fstype: "tmpfs", source: "tmpfs", options }),
    { op: "attachTree", ...at, target: path },
    { op: "close", ...at },
  ];
};

/** Without those below another. */
const outermost = (paths: readonly string[]): readonly string[] =>
  [...new Set(paths)].filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));

/** Where the whole of a procfs or sysfs can be seen. */
export const findFullMounts = (mounts: readonly MountInfo[]): readonly string[] =>
  mounts
    .filter(({ root, fstype }) => root === "/" && (fstype === "proc" || fstype === "sysfs"))
    .map(({ mountPoint }) => mountPoint);

/** Of this process's mount namespace, which must be the one that the plan starts in. */
export const readFullMounts = (): readonly string[] =>
  findFullMounts(parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8")));
