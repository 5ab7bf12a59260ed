// What the verbs need of the layers below: where a container's cgroups are, and its plans.

import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import { describeOp } from "#kernel/plan/describe-op.ts";
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
  /** What would be done, one line for each operation. */
  explain(place: Omit<ContainerPlace, "placement">): readonly string[];
}

export function openRuntime(host: HostFacts): Runtime {
  const cgroups = ({ placement }: ContainerPlace): CgroupPaths => placement.cgroup ?? { v1: [] };
  return {
    host,
    cgroups,
    explain: ({ id, spec, stateDir }) =>
      compileContainer(spec, { id, rootfs: [], bundle: stateDir, host }).plan.map(
        (op, index) => `${String(index).padStart(3)}  ${describeOp(op)}  # ${op.why}`,
      ),
  };
}
