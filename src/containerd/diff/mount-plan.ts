// Operations that mount a snapshot in a private mount namespace and open it as the root of what follows.

import type { Op } from "#kernel/plan/ops.ts";
import type { Mount } from "#spec/oci-runtime.ts";

const CLONE_NEWNS = 0x20000;
const MS_RDONLY = 1;
const MS_PRIVATE = 1 << 18;
const O_PATH_DIRECTORY = 0o10200000;
/** mount(2) copies one page of options. */
const MAX_OPTIONS = 4000;

/** The slot that holds the root of the mounted snapshot. */
export const SNAPSHOT_ROOT = 0;

/** `target`: a directory that nobody else looks at; the mounts on it end with the executing process. */
export function planSnapshotMount(mounts: readonly Mount[], target: string): readonly Op[] {
  const why = "snapshot mount";
  return [
    { op: "unshare", why, flags: CLONE_NEWNS },
    { op: "mountAttr", why, target: "/", set: 0, clear: 0, propagation: MS_PRIVATE, recursive: true },
    { op: "mkdir", why, path: target, mode: 0o700, parents: true },
    ...mounts.flatMap((mount) => planMount(mount, target, true)),
    { op: "open", why, path: target, flags: O_PATH_DIRECTORY, slot: SNAPSHOT_ROOT },
  ];
}

/** `volatile`: nothing of it is read before it is complete, so that unmounting need not wait for the disk. */
export function planMount(mount: Mount, target: string, volatile: boolean): readonly Op[] {
  const why = "snapshot mount";
  const { type: fstype = "", source = fstype, options = [] } = mount;
  if (fstype === "bind" || options.includes("bind") || options.includes("rbind"))
    return [{ op: "bind", why, source, target, recursive: options.includes("rbind") }];
  const flags = options.includes("ro") ? MS_RDONLY : 0;
  const data = options.filter((option) => option !== "ro" && option !== "rw");
  const work = data.find((option) => option.startsWith("workdir="))?.slice("workdir=".length);
  const mountOp = { op: "mount", why, fstype, source, target, flags } as const;
  if (fstype !== "overlay" || work === undefined || !volatile) return [{ ...mountOp, ...compact(data) }];
  // The tree is made anew if the machine dies.
  // The kernel leaves a mark that forbids a second mount for fear of such a death; ours is no reason to.
  return [
    { ...mountOp, ...compact([...data, "volatile"]) },
    { op: "removeTree", why, path: `${work}/work/incompat`, missingOk: true },
  ];
}

/** Long lists of lower directories are made relative to the directory they share. */
function compact(options: readonly string[]): { readonly data: string; readonly cwd?: string } {
  const data = options.join(",");
  if (data.length <= MAX_OPTIONS) return { data };
  const paths = options.flatMap((option) => pathsOf(option));
  const cwd = commonDirectory(paths);
  if (cwd === "/") return { data };
  const relative = options.map((option) => {
    const key = option.slice(0, option.indexOf("=") + 1);
    const found = pathsOf(option);
    return found.length === 0 ? option : key + found.map((path) => path.slice(cwd.length + 1)).join(":");
  });
  return { data: relative.join(","), cwd };
}

const pathsOf = (option: string): readonly string[] => {
  const found = /^(?:lowerdir|upperdir|workdir)=(.*)$/.exec(option);
  return found?.[1]?.split(":") ?? [];
};

function commonDirectory(paths: readonly string[]): string {
  const [first = "/", ...others] = paths;
  let directory = first.slice(0, first.lastIndexOf("/"));
  while (directory !== "" && !others.every((path) => path.startsWith(`${directory}/`)))
    directory = directory.slice(0, directory.lastIndexOf("/"));
  return directory === "" ? "/" : directory;
}
