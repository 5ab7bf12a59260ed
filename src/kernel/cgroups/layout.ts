// Which cgroup hierarchies this machine has and where: version 1, version 2, or both side by side (hybrid).

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type MountInfo, parseMountInfo } from "../mountinfo/parse-mountinfo.ts";

export interface CgroupHierarchy {
  /** "memory", "cpu"…, or "name=systemd" of a hierarchy without controllers; of version 2 what cgroup.controllers lists. */
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** Path of the reading process's own cgroup, below the mount point: "/" or "/a/b". */
  readonly own: string;
}

export interface CgroupLayout {
  readonly v1: readonly CgroupHierarchy[];
  readonly v2?: CgroupHierarchy;
  /** Whether cgroups of this machine have a file: some depend on the kernel's configuration and loaded modules. Missing: all do. */
  readonly offers?: (controller: string, file: string) => boolean;
}

/** Version 2 manages processes only where no controller is bound to version 1. */
export const isUnified = (layout: CgroupLayout): boolean => layout.v1.length === 0 && layout.v2 !== undefined;

export interface CgroupTexts {
  readonly mounts: readonly MountInfo[];
  /** Content of /proc/self/cgroup. */
  readonly own: string;
  /** Content of cgroup.controllers at the version 2 mount point. */
  readonly v2Controllers: (mountPoint: string) => string;
}

/** Of mounts that were read before: they seldom change. */
export interface KnownMounts {
  text: string;
  mounts: readonly MountInfo[];
}

function readMounts(known: KnownMounts): readonly MountInfo[] {
  const text = readFileSync("/proc/self/mountinfo", "utf8");
  if (text !== known.text) Object.assign(known, { text, mounts: cgroupMounts(text) });
  return known.mounts;
}

const cgroupMounts = (text: string): readonly MountInfo[] =>
  parseMountInfo(
    text
      .split("\n")
      .filter((line) => line.includes(" - cgroup"))
      .join("\n"),
  );

/** `process`: whose own cgroup is meant. */
export function readCgroupLayout(
  process: number | "self" = "self",
  known: KnownMounts = { text: "", mounts: [] },
): CgroupLayout {
  const layout = detectCgroups({
    mounts: readMounts(known),
    own: readFileSync(`/proc/${process}/cgroup`, "utf8"),
    v2Controllers: (mountPoint) => readFileSync(`${mountPoint}/cgroup.controllers`, "utf8"),
  });
  return { ...layout, offers: (controller, file) => offers(layout, controller, file) };
}

/** Roots of hierarchies lack most files, so their children are asked. */
function offers({ v1, v2 }: CgroupLayout, controller: string, file: string): boolean {
  const root = v1.find(({ controllers }) => controllers.includes(controller)) ?? v2;
  if (root === undefined) return false;
  const children = readdirSync(root.mountPoint, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  if (children.length === 0) return existsSync(`${root.mountPoint}/${file}`);
  return children.some(({ name }) => existsSync(`${root.mountPoint}/${name}/${file}`));
}

export function detectCgroups({ mounts, own, v2Controllers }: CgroupTexts): CgroupLayout {
  const owned = parseOwnCgroups(own);
  const v1 = new Map<string, CgroupHierarchy>();
  let v2: CgroupHierarchy | undefined;
  for (const mount of mounts) {
    if (mount.fstype === "cgroup2" && v2 === undefined) {
      const controllers = v2Controllers(mount.mountPoint).split(/\s+/).filter(Boolean);
      v2 = { controllers, mountPoint: mount.mountPoint, own: below(mount.root, owned.get("") ?? "/") };
    }
    if (mount.fstype !== "cgroup") continue;
    const hierarchy = describeV1(mount, owned);
    const key = hierarchy?.controllers.join(",") ?? "";
    if (hierarchy !== undefined && !v1.has(key)) v1.set(key, hierarchy);
  }
  return { v1: [...v1.values()], ...(v2 !== undefined && { v2 }) };
}

function describeV1(mount: MountInfo, owned: ReadonlyMap<string, string>): CgroupHierarchy | undefined {
  const controllers = mount.superOptions.filter((option) => owned.has(option));
  const [first] = controllers;
  if (first === undefined) return undefined;
  return { controllers, mountPoint: mount.mountPoint, own: below(mount.root, owned.get(first) ?? "/") };
}

/** Lines "4:memory:/a/b", "2:cpu,cpuacct:/", "9:name=systemd:/", "0::/". */
function parseOwnCgroups(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    const [, controllers = "", path = "/"] = match;
    for (const controller of controllers.split(",")) paths.set(controller, path);
  }
  return paths;
}

/** A hierarchy mounted from a cgroup below its root shows paths from there on. */
function below(root: string, path: string): string {
  if (root === "/" || root === path) return root === path ? "/" : path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : path;
}
