// The readers of tasks over the machine's cgroups.

import type { CgroupLayout } from "#kernel/cgroups/layout.ts";
import { readOomKills } from "#kernel/cgroups/oom.ts";
import { type CgroupPaths, cgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { failedPrecondition } from "../failures.ts";
import { readCgroupUsage } from "./cgroup-usage.ts";
import type { TaskReaders } from "./local.ts";

export function createCgroupReaders(layout: CgroupLayout): Required<Omit<TaskReaders, "explain">> {
  const pathsOf = ({ linux }: Spec): CgroupPaths => {
    const path = linux?.cgroupsPath ?? "";
    if (path === "") throw failedPrecondition("the container has no cgroup of its own");
    return cgroupPaths(layout, path);
  };
  return {
    metrics: async (spec) => {
      const paths = pathsOf(spec);
      return readCgroupUsage(paths, readOomKills(paths), Date.now());
    },
    oomKilled: async (spec) => readOomKills(pathsOf(spec)) > 0,
  };
}
