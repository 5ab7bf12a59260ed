// Where the cgroups of one container are.

import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { systemError } from "#base/errors.ts";
import { type CgroupHierarchy, type CgroupLayout, isUnified } from "./layout.ts";

export interface V1Directory {
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  readonly directory: string;
}

/** Directories of one cgroup: one per version 1 hierarchy, or the single one of version 2. Neither: no cgroup of its own (rootless). */
export interface CgroupPaths {
  readonly v1: readonly V1Directory[];
  readonly v2?: {
    readonly mountPoint: string;
    readonly directory: string;
    /** Those of the machine; missing: not known. */
    readonly controllers?: readonly string[];
  };
}

/** `path`: absolute is below the hierarchy's root. Relative is, as runc reads `cgroupsPath`, below the calling process's own cgroup, with
 *  version 2 beside it: a cgroup with processes of its own cannot pass controllers on. */
export function cgroupPaths(layout: CgroupLayout, path: string): CgroupPaths {
  const at = ({ mountPoint }: CgroupHierarchy, own: string): string =>
    posix.join(mountPoint, posix.join("/", posix.isAbsolute(path) ? "/" : own, posix.join("/", path)));
  const { v2 } = layout;
  if (isUnified(layout) && v2 !== undefined)
    return {
      v1: [],
      v2: {
        mountPoint: v2.mountPoint,
        directory: at(v2, posix.dirname(v2.own)),
        controllers: v2.controllers,
      },
    };
  return {
    v1: layout.v1.map((hierarchy) => ({
      controllers: hierarchy.controllers,
      mountPoint: hierarchy.mountPoint,
      directory: at(hierarchy, hierarchy.own),
    })),
  };
}

export interface CgroupWish {
  /** linux.cgroupsPath; "" is not given: a cgroup named by `id`. */
  readonly path: string;
  readonly id: string;
  /** The caller may be without the right to make cgroups: then those that it cannot make are left out, unless it asks for a path. */
  readonly rootless: boolean;
}

/** What is already there on the way to a cgroup. */
export interface Ground {
  readonly writable: boolean;
  /** Version 2: what may be enabled below it. */
  readonly controllers: readonly string[];
}

/** The cgroups of a container. Without a right to make one and with nothing that needs it there is none, as with runc; limits that
 *  then have no file are refused when they are planned. */
export function placeCgroup(
  layout: CgroupLayout,
  { path, id, rootless }: CgroupWish,
  survey: (directory: string) => Ground = surveyGround,
): CgroupPaths {
  const paths = cgroupPaths(layout, path === "" ? id : path);
  if (!rootless) return paths;
  const { v1, v2 } = paths;
  if (v2 === undefined)
    return { v1: v1.filter(({ directory }) => path !== "" || survey(directory).writable) };
  const { writable, controllers } = survey(v2.directory);
  return writable || path !== "" ? { v1, v2: { ...v2, controllers } } : { v1 };
}

/** Looks at the nearest directory that exists. */
function surveyGround(directory: string): Ground {
  let nearest = posix.dirname(directory);
  while (nearest !== "/" && !existsSync(nearest)) nearest = posix.dirname(nearest);
  return { writable: isWritable(nearest), controllers: readControllers(nearest) };
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readControllers(directory: string): readonly string[] {
  const file = `${directory}/cgroup.controllers`;
  return existsSync(file) ? readFileSync(file, "utf8").split(/\s+/).filter(Boolean) : [];
}

/** Directory that holds a controller's files; undefined if the controller is not mounted. */
export const findController = (paths: CgroupPaths, controller: string): string | undefined =>
  paths.v2?.directory ?? paths.v1.find(({ controllers }) => controllers.includes(controller))?.directory;

/** As findController; throws in runc's words. */
export function getController(paths: CgroupPaths, controller: string): string {
  const directory = findController(paths, controller);
  if (directory !== undefined) return directory;
  throw systemError(`cannot set ${controller} limit: container could not join or create cgroup`);
}

export const allDirectories = (paths: CgroupPaths): readonly string[] => [
  ...paths.v1.map(({ directory }) => directory),
  ...(paths.v2 === undefined ? [] : [paths.v2.directory]),
];

/** The directories below `mountPoint` that lead to `directory`, outermost first, itself last. */
export function ancestry(mountPoint: string, directory: string): readonly string[] {
  const names = posix.relative(mountPoint, directory).split("/").filter(Boolean);
  return names.map((_, index) => posix.join(mountPoint, ...names.slice(0, index + 1)));
}
