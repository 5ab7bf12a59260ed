// What the verbs need of the layers below: where a container's cgroups are, and its plans.

import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { compileContainer } from "#libcontainer/compile.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import type { CgroupRecord } from "./placement.ts";

export interface ContainerPlace {
  readonly id: string;
  readonly stateDir: string;
  readonly spec: Spec;
  readonly placement: CgroupRecord;
}

export interface Runtime {
  readonly host: HostFacts;
  /** Where its cgroups are. */
  cgroups(place: ContainerPlace): CgroupPaths;
  /** What would be done. */
  compile(place: Omit<ContainerPlace, "placement">): Plan;
}

export function openRuntime(host: HostFacts): Runtime {
  const cgroups = ({ placement }: ContainerPlace): CgroupPaths => placement.cgroup ?? { v1: [] };
  return {
    host,
    cgroups,
    compile: ({ id, spec, stateDir }) =>
      compileContainer(spec, { id, rootfs: [], bundle: stateDir, host }).plan,
  };
}
