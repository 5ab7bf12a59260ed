// What the verbs need of the layers below: where a container's cgroups are, and its plans.

import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import { cgroupPaths } from "#kernel/cgroups/paths.ts";
import { killCgroup, readCgroupPids } from "#kernel/cgroups/processes.ts";
import { removeCgroups } from "#kernel/cgroups/remove.ts";
import { describeOp } from "#kernel/plan/describe-op.ts";
import { compileContainer } from "#libcontainer/compile.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { Spec } from "#spec/oci-runtime.ts";

export interface ContainerPlace {
  readonly id: string;
  readonly stateDir: string;
  readonly spec: Spec;
}

export interface Runtime {
  readonly host: HostFacts;
  /** Ends what still runs in the container's cgroups and removes them; idempotent. */
  clean(place: ContainerPlace): Promise<void>;
  /** Where its cgroups are. */
  cgroups(place: ContainerPlace): CgroupPaths;
  /** Every process of the container, by the host's numbers. */
  pids(place: ContainerPlace): Promise<readonly number[]>;
  /** What would be done, one line for each operation. */
  explain(place: ContainerPlace): readonly string[];
}

export function openRuntime(host: HostFacts): Runtime {
  const cgroups = ({ id, spec }: ContainerPlace): CgroupPaths =>
    cgroupPaths(host.cgroups, spec.linux?.cgroupsPath || `/${id}`);
  return {
    host,
    cgroups,
    clean: async (place) => {
      const paths = cgroups(place);
      await killCgroup(paths);
      await removeCgroups(paths);
    },
    pids: (place) => readCgroupPids(cgroups(place)),
    explain: ({ id, spec, stateDir }) =>
      compileContainer(spec, { id, rootfs: [], bundle: stateDir, host }).plan.map(
        (op, index) => `${String(index).padStart(3)}  ${describeOp(op)}  # ${op.why}`,
      ),
  };
}
