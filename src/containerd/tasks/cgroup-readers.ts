// The readers of tasks over the machine's cgroups.

import type { CgroupLayout } from "#kernel/cgroups/layout.ts";
import { type CgroupPaths, cgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { failedPrecondition } from "../failures.ts";
import { readCgroupUsage, readOomKills } from "./cgroup-usage.ts";
import type { TaskReaders } from "./local.ts";

export function createCgroupReaders(layout: CgroupLayout): Required<Omit<TaskReaders, "explain">> {
  const pathsOf = ({ linux }: Spec): CgroupPaths => {
    const path = linux?.cgroupsPath ?? "";
    if (path === "") throw failedPrecondition("the container has no cgroup of its own");
    return cgroupPaths(layout, path);
  };
  return {
    metrics: async (spec) => readCgroupUsage(pathsOf(spec), Date.now()),
    oomKilled: async (spec) => readOomKills(pathsOf(spec)) > 0,
  };
}
