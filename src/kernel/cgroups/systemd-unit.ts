// The unit of systemd that holds a container's cgroup, from `cgroupsPath` as "slice:prefix:name".

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import type { CgroupLayout } from "./layout.ts";
import { type CgroupPaths, cgroupPaths } from "./paths.ts";

export interface CgroupUnit {
  /** "runc-web.scope", or a slice by its own name. */
  readonly name: string;
  /** "system.slice" */
  readonly slice: string;
  /** For people. */
  readonly description: string;
}

export interface UnitWish {
  /** linux.cgroupsPath; "" is not given. */
  readonly path: string;
  readonly id: string;
  readonly rootless: boolean;
}

export function parseUnit({ path, id, rootless }: UnitWish): CgroupUnit {
  const parts = path === "" ? ["", "runc", id] : path.split(":");
  const [slice = "", prefix = "", name = ""] = parts;
  if (parts.length !== 3)
    throw invalid(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(path)} instead`,
    );
  return {
    name: name.endsWith(".slice") ? name : `${prefix}-${name}.scope`,
    slice: slice !== "" ? slice : rootless ? "user.slice" : "system.slice",
    description: `libcontainer container ${name}`,
  };
}

export const isSlice = ({ name }: CgroupUnit): boolean => name.endsWith(".slice");

/** "a-b.slice" is in "a.slice": "/a.slice/a-b.slice". "-.slice" is the root. */
export function expandSlice(slice: string): string {
  const suffix = ".slice";
  const wrong = (): Error => invalid(`invalid slice name: ${slice}`);
  if (!slice.endsWith(suffix) || slice.length === suffix.length || slice.includes("/")) throw wrong();
  const name = slice.slice(0, -suffix.length);
  if (name === "-") return "/";
  const components = name.split("-");
  if (components.includes("")) throw wrong();
  return components.map((_, index) => `/${components.slice(0, index + 1).join("-")}${suffix}`).join("");
}

/** Where systemd makes the unit's cgroup. `managerCgroup`: that of systemd itself, "" of the machine's. */
export function unitPaths(layout: CgroupLayout, unit: CgroupUnit, managerCgroup: string): CgroupPaths {
  if (unit.name.includes("/")) throw invalid(`invalid unit name: ${unit.name}`);
  return cgroupPaths(layout, posix.join("/", managerCgroup, expandSlice(unit.slice), unit.name));
}
