// How many containers are in which of the three states that Docker counts.

import type { Container } from "./store.ts";

export interface StateCounts {
  readonly running: number;
  readonly paused: number;
  readonly stopped: number;
}

export function countStates(containers: readonly Container[]): StateCounts {
  const inState = (...names: readonly string[]): number =>
    containers.filter(({ state }) => names.includes(state.status)).length;
  return {
    running: inState("running", "restarting"),
    paused: inState("paused"),
    stopped: containers.filter(({ running }) => !running).length,
  };
}
