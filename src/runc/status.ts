// What a container does now, its freezer counted in.

import { isFrozen } from "#kernel/cgroups/freezer.ts";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import { type ContainerState, type Containers, type Status, statusOf } from "./containers.ts";
import type { Runtime } from "./runtime.ts";

export interface Places {
  readonly containers: Containers;
  readonly runtime: Runtime;
}

export const cgroupsOf = ({ containers, runtime }: Places, state: ContainerState): CgroupPaths =>
  runtime.cgroups(containers.place(state));

export function readStatus(places: Places, state: ContainerState): Status {
  const status = statusOf(state);
  return status !== "stopped" && isFrozen(cgroupsOf(places, state)) ? "paused" : status;
}
