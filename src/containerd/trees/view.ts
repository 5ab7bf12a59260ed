// Operations that let a process see a container's files as Docker shows them to whoever copies: its root file system with volumes and bind
// mounts in it, but neither /proc nor /dev nor tmpfs. Everything is mounted in the process's own mount namespace and ends with it; nothing in
// the view can be executed, and no device in it opened.
//
//   running   a copy of the root mount of the container's own namespace: what it sees is what is seen
//   stopped   its snapshot is mounted; to read it only, with a place for mount points above it that is thrown away

import { type Attributes, type Op, type Plan, SLOT_BASE } from "#kernel/plan/ops.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { planMount } from "../diff/mount-plan.ts";

export type ViewRoot =
  /** `ownUser`: it has a user namespace of its own, whose ids are told and taken. */
  | { readonly kind: "live"; readonly pid: number; readonly ownUser?: boolean }
  | {
      readonly kind: "snapshot";
      readonly mounts: readonly Mount[];
      /** What is written is the snapshot's; else of the view, whose root then has these attributes. */
      readonly writes: "kept" | { readonly lost: Attributes };
    };

/** Of a volume or a bind mount. */
export interface ViewMount {
  /** On the host. */
  readonly source: string;
  /** The directory or file below the source that is meant; no symlink leads outside. */
  readonly subpath?: string;
  /** In the container. */
  readonly destination: string;
  readonly writable: boolean;
  readonly recursive: boolean;
  /** Belongs on the disk to the ids that the container's user namespace shows. */
  readonly mapped?: boolean;
}

export interface TreeView {
  readonly root: ViewRoot;
  /** Shallow ones first. */
  readonly mounts: readonly ViewMount[];
  readonly readOnly: boolean;
  /** An empty directory of the host that nobody else looks at. */
  readonly scratch: string;
}

/** The slot that holds the view's root. */
export const VIEW_ROOT = 0;

const HOST = 1;
const LIVE = 2;
const TREE = 3;
const USER = 4;
const CLONE_NEWNS = 0x20000;
const CLONE_NEWUSER = 0x10000000;
const MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8;
const MS_PRIVATE = 1 << 18;
const O_CLOEXEC = 0o2000000;
const O_PATH_DIRECTORY = 0o10200000;
const O_PATH = 0o10000000;
const MOUNT_ATTR_RDONLY = 1;
const MOUNT_ATTR_IDMAP = 0x100000;
/** MOUNT_ATTR_NOSUID, NODEV, NOEXEC. */
const HARMLESS = 2 | 4 | 8;
const why = "view of the container";

export function planView(view: TreeView): Plan {
  const { root, scratch } = view;
  const ownUser = root.kind === "live" && root.ownUser === true;
  const target = `${scratch}/root`;
  const directory = (path: string): Op => ({ op: "mkdir", why, path, mode: 0o755 });
  return [
    ...(root.kind === "live" ? planCopy(root) : []),
    { op: "unshare", why, flags: CLONE_NEWNS },
    attributes("/", undefined, { propagation: MS_PRIVATE, recursive: true }),
    {
      op: "mount",
      why,
      fstype: "tmpfs",
      source: "view",
      target: scratch,
      flags: MS_NOSUID_NODEV_NOEXEC,
      data: "mode=0700",
    },
    directory(target),
    ...(root.kind === "live"
      ? [{ op: "attachTree", why, slot: LIVE, target } as const, { op: "close", why, slot: LIVE } as const]
      : planSnapshot(root, view, target)),
    { op: "open", why, path: target, flags: O_PATH_DIRECTORY, slot: VIEW_ROOT },
    ...view.mounts.flatMap((mount) => planBind(mount, ownUser)),
    attributes("", VIEW_ROOT, { set: HARMLESS | (view.readOnly ? MOUNT_ATTR_RDONLY : 0) }),
    ...(ownUser ? planEnterUser : []),
  ];
}

interface Change {
  readonly set?: number;
  readonly propagation?: number;
  readonly recursive?: boolean;
  readonly usernsSlot?: number;
}

const attributes = (target: string, root: number | undefined, change: Change): Op => ({
  op: "mountAttr",
  why,
  target,
  ...(root === undefined ? {} : { root }),
  set: change.set ?? 0,
  clear: 0,
  propagation: change.propagation ?? 0,
  recursive: change.recursive ?? false,
  ...(change.usernsSlot !== undefined && { usernsSlot: change.usernsSlot }),
});

/** The mounts of a namespace can be copied by who is in it only. */
const planCopy = ({ pid, ownUser }: Extract<ViewRoot, { kind: "live" }>): Plan => [
  ...(ownUser === true
    ? [
        {
          op: "open",
          why: LIVE_NAMESPACE,
          path: `/proc/${pid}/ns/user`,
          flags: O_CLOEXEC,
          slot: USER,
        } as const,
      ]
    : []),
  { op: "open", why, path: "/proc/self/ns/mnt", flags: O_CLOEXEC, slot: HOST },
  { op: "setns", why: LIVE_NAMESPACE, path: `/proc/${pid}/ns/mnt`, flags: CLONE_NEWNS },
  { op: "openTree", why, source: "/", slot: LIVE, recursive: false },
  { op: "setns", why, slot: HOST, flags: CLONE_NEWNS },
  { op: "close", why, slot: HOST },
];

/** From here on as its root, with rights over nothing else. */
const planEnterUser: Plan = [
  { op: "setns", why, slot: USER, flags: CLONE_NEWUSER },
  { op: "close", why, slot: USER },
  { op: "setgroups", why, gids: [] },
  { op: "setgid", why, gid: 0 },
  { op: "setuid", why, uid: 0 },
];

/** Why of the operation that fails when the process is gone. */
export const LIVE_NAMESPACE = "mount namespace of the container";

function planSnapshot(
  root: Extract<ViewRoot, { kind: "snapshot" }>,
  { scratch }: TreeView,
  target: string,
): Plan {
  if (root.writes === "kept") return root.mounts.flatMap((mount) => planMount(mount, target, false));
  const [upper, work] = [`${scratch}/upper`, `${scratch}/work`];
  return [
    { op: "makeDir", why, path: upper, attributes: root.writes.lost },
    { op: "mkdir", why, path: work, mode: 0o755 },
    ...root.mounts.flatMap((mount) => planMount(above(mount, upper, work), target, false)),
  ];
}

/** The mount with everything that it has below another upper directory. */
function above(mount: Mount, upper: string, work: string): Mount {
  const { type, source = "", options = [] } = mount;
  const value = (key: string): readonly string[] =>
    options.filter((option) => option.startsWith(`${key}=`)).map((option) => option.slice(key.length + 1));
  const lower = type === "overlay" ? [...value("upperdir"), ...value("lowerdir")] : [source];
  return {
    destination: "",
    type: "overlay",
    source: "overlay",
    options: ["index=off", `workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower.join(":")}`],
  };
}

/** Made harmless and read-only before it is attached: the container may exchange what lies at the destination meanwhile. */
const planBind = (
  { source, subpath, destination, recursive, writable, mapped }: ViewMount,
  ownUser: boolean,
): Plan => {
  const reason = `mount at ${destination}`;
  return [
    ...planOpen(reason, { source, recursive, ...(subpath !== undefined && { subpath }) }),
    attributes("", TREE, { set: HARMLESS | (writable ? 0 : MOUNT_ATTR_RDONLY), recursive: true }),
    ...(ownUser && mapped === true
      ? [attributes("", TREE, { set: MOUNT_ATTR_IDMAP, usernsSlot: USER })]
      : []),
    { op: "attachTree", why: reason, slot: TREE, target: destination, root: VIEW_ROOT, createTarget: true },
    { op: "close", why: reason, slot: TREE },
  ];
};

function planOpen(
  why: string,
  { source, subpath, recursive }: Pick<ViewMount, "source" | "subpath" | "recursive">,
): Plan {
  if (subpath === undefined) return [{ op: "openTree", why, source, slot: TREE, recursive }];
  const [whole, part] = [HOST, LIVE]; // nobody needs them any more
  return [
    { op: "open", why, path: source, flags: O_PATH_DIRECTORY, slot: whole },
    { op: "open", why, path: subpath, root: whole, flags: O_PATH | O_CLOEXEC, slot: part },
    { op: "openTree", why, source: `/proc/self/fd/${SLOT_BASE + part}`, slot: TREE, recursive },
    { op: "close", why, slot: part },
    { op: "close", why, slot: whole },
  ];
}
