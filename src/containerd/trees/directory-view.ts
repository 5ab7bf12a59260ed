// Operations that let a process see directories of the host, such as volumes: in a mount namespace of its own, nothing in them executable,
// no device in them to be opened.

import type { Op, Plan } from "#kernel/plan/ops.ts";
import { LOWER, UPPER } from "./layer-view.ts";
import { VIEW_ROOT } from "./view.ts";

const CLONE_NEWNS = 0x20000;
const MS_PRIVATE = 1 << 18;
const MOUNT_ATTR_RDONLY = 1;
/** MOUNT_ATTR_NOSUID, NODEV, NOEXEC. */
const HARMLESS = 2 | 4 | 8;
const why = "directory";

/** For Trees.packPath and Trees.unpack. */
export const planDirectory = (path: string, access: "read" | "write"): Plan => [
  ...ownNamespace,
  ...planOpen(path, VIEW_ROOT, access),
];

/** For Trees.copy. */
export const planDirectoryCopy = (from: string, to: string): Plan => [
  ...ownNamespace,
  ...planOpen(from, LOWER, "read"),
  ...planOpen(to, UPPER, "write"),
];

const ownNamespace: Plan = [
  { op: "unshare", why, flags: CLONE_NEWNS },
  { op: "mountAttr", why, target: "/", set: 0, clear: 0, propagation: MS_PRIVATE, recursive: true },
];

/** What is mounted below stays out. */
const planOpen = (path: string, slot: number, access: "read" | "write"): readonly Op[] => [
  { op: "openTree", why: path, source: path, slot, recursive: false },
  {
    op: "mountAttr",
    why: path,
    target: "",
    root: slot,
    set: HARMLESS | (access === "read" ? MOUNT_ATTR_RDONLY : 0),
    clear: 0,
    propagation: 0,
    recursive: false,
  },
];
