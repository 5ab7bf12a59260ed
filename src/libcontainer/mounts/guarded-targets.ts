// Where a container may not be given a mount, and targets that no symlink of an image may stand for.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../linux-flags.table.ts";
import { COVERED_SLOT, ROOT_SLOT } from "../slots.ts";
import { parseMountOptions } from "./mount-options.ts";

/** Files of /proc that tools like lxcfs replace: runc's list. */
const replaceable: ReadonlySet<string> = new Set([
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/uptime",
  "/proc/loadavg",
  "/proc/slabinfo",
  "/proc/net/dev",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/sys/crypto/fips_enabled",
]);

/** An absolute path without "..", as seen in the container. */
export const targetOf = (mount: Mount): string => {
  const target = posix.join("/", mount.destination);
  return target.length > 1 && target.endsWith("/") ? target.slice(0, -1) : target;
};

/** Nothing but procfs may stand at /proc: confinement by label and our own checks read it (CVE-2019-16884). */
export function refuseForbiddenTarget(mount: Mount): void {
  const target = targetOf(mount);
  if (target === "/") throw invalid("invalid mount target: destination can't be '/'");
  if (target === "/proc") {
    const isBind = parseMountOptions(mount).bind !== "no";
    if (isBind ? posix.normalize(mount.source ?? "") === "/proc" : mount.type === "proc") return;
    throw invalid(`"${target}" cannot be mounted because it is not of type proc`);
  }
  if (target.startsWith("/proc/") && !replaceable.has(target))
    throw invalid(`"${target}" cannot be mounted because it is inside /proc`);
}

const guarded: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev"]);

/** Opens the directory that a mount comes to lie on, made if it is missing. Of /proc, /sys and /dev no symlink may stand in the place
 *  (CVE-2019-19921, CVE-2026-41579): that fails with ENOTDIR. */
export const planOpenTarget = (target: string, why: string, slot: number): readonly Op[] => [
  { op: "mkdir", why, path: target, root: ROOT_SLOT, mode: 0o755, parents: true },
  {
    op: "open",
    why: guarded.has(target) ? `${why} is a directory and no symlink` : why,
    path: target,
    root: ROOT_SLOT,
    flags: O_PATH | O_DIRECTORY | O_CLOEXEC | (guarded.has(target) ? O_NOFOLLOW : 0),
    slot,
  },
];

export interface Attachment {
  readonly why: string;
  readonly target: string;
  /** The root of the tree gets the mode of the directory that it covers. */
  readonly keepMode?: boolean;
  /** What happens to the tree in its slot after that. */
  readonly afterwards?: readonly Op[];
}

/** Attaches a detached tree and closes its slot. */
export function planAttach(
  slot: number,
  { why, target, keepMode, afterwards = [] }: Attachment,
): readonly Op[] {
  const mode = keepMode === true ? ({ keepMode: true } as const) : {};
  const close: Op = { op: "close", why, slot };
  if (!guarded.has(target))
    return [
      { op: "attachTree", why, slot, target, root: ROOT_SLOT, createTarget: true, ...mode },
      ...afterwards,
      close,
    ];
  return [
    ...planOpenTarget(target, why, COVERED_SLOT),
    { op: "attachTree", why, slot, target: "", root: COVERED_SLOT, ...mode },
    ...afterwards,
    { op: "close", why, slot: COVERED_SLOT },
    close,
  ];
}
