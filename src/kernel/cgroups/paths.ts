// Where the cgroups of one container are.

import { posix } from "node:path";
import { type CgroupHierarchy, type CgroupLayout, isUnified } from "./layout.ts";

export interface V1Directory {
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  readonly directory: string;
}

/** Directories of one cgroup: one per version 1 hierarchy, or the single one of version 2. */
export interface CgroupPaths {
  readonly v1: readonly V1Directory[];
  readonly v2?: { readonly mountPoint: string; readonly directory: string };
}

/** `path`: absolute is below the hierarchy's root, relative is below the calling process's own cgroup, as runc reads `cgroupsPath`. */
export function cgroupPaths(layout: CgroupLayout, path: string): CgroupPaths {
  const at = (hierarchy: CgroupHierarchy): string => {
    const start = posix.isAbsolute(path) ? "/" : hierarchy.own;
    return posix.join(hierarchy.mountPoint, posix.join("/", start, path));
  };
  if (isUnified(layout) && layout.v2 !== undefined)
    return { v1: [], v2: { mountPoint: layout.v2.mountPoint, directory: at(layout.v2) } };
  return {
    v1: layout.v1.map((hierarchy) => ({
      controllers: hierarchy.controllers,
      mountPoint: hierarchy.mountPoint,
      directory: at(hierarchy),
    })),
  };
}

/** Directory that holds a controller's files; undefined if the controller is not mounted. */
export const findController = (paths: CgroupPaths, controller: string): string | undefined =>
  paths.v2?.directory ?? paths.v1.find(({ controllers }) => controllers.includes(controller))?.directory;

export const allDirectories = (paths: CgroupPaths): readonly string[] => [
  ...paths.v1.map(({ directory }) => directory),
  ...(paths.v2 === undefined ? [] : [paths.v2.directory]),
];

/** The directories below `mountPoint` that lead to `directory`, outermost first, itself last. */
export function ancestry(mountPoint: string, directory: string): readonly string[] {
  const names = posix.relative(mountPoint, directory).split("/").filter(Boolean);
  return names.map((_, index) => posix.join(mountPoint, ...names.slice(0, index + 1)));
}
