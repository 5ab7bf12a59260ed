// A cgroup below another one's, as `exec --cgroup` names it.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import type { CgroupPaths } from "./paths.ts";

/** Each word is a path below the cgroup, or with version 1 "controller,controller:path"; messages are runc's. */
export function subCgroup(paths: CgroupPaths, words: readonly string[]): CgroupPaths {
  const wanted = parseWords(words);
  const everywhere = wanted.get("");
  const known = new Set([...paths.v1.flatMap(({ controllers }) => controllers), ...(paths.v2 ? [""] : [])]);
  for (const controller of wanted.keys())
    if (controller !== "" && !known.has(controller))
      throw outside(`unknown controller ${controller} in SubCgroupPaths`);
  const { v1, v2 } = paths;
  return {
    v1: v1.map((hierarchy) => {
      const names = hierarchy.controllers.filter((name) => wanted.has(name));
      const path = names.map((name) => wanted.get(name))[0] ?? everywhere ?? "";
      return { ...hierarchy, directory: below(hierarchy.directory, path) };
    }),
    ...(v2 !== undefined && { v2: { ...v2, directory: below(v2.directory, everywhere ?? "") } }),
  };
}

const outside = (reason: string): Error => invalid(`unable to create new parent process: ${reason}`);

/** By controller; "" is all of them. */
function parseWords(words: readonly string[]): ReadonlyMap<string, string> {
  const wanted = new Map<string, string>();
  for (const word of words) {
    const [head = "", path, ...more] = word.split(":");
    if (more.length > 0) throw invalid(`invalid --cgroup argument: ${word}`);
    if (path === undefined && words.length > 1)
      throw invalid(`invalid --cgroup argument: ${word} (missing <controller>: prefix)`);
    for (const controller of path === undefined ? [""] : head.split(",")) {
      if (wanted.has(controller))
        throw invalid(`invalid --cgroup argument(s): controller ${controller} specified multiple times`);
      wanted.set(controller, path ?? word);
    }
  }
  return wanted;
}

function below(directory: string, path: string): string {
  const found = posix.join(directory, path).replace(/(.)\/$/, "$1");
  if (found !== directory && !found.startsWith(`${directory}/`))
    throw outside(`${path} is not a sub cgroup path`);
  return found;
}
