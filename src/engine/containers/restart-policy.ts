// Whether and when a container that ended is started again.

import type { RestartPolicy } from "#spec/container-config.ts";

const FIRST_DELAY = 100;
const LONGEST_DELAY = 60_000;
/** A run of this many milliseconds was no crash loop. */
const LONG_RUN = 10_000;

/** Those that try again after a failure, as often as a user allows. on-unhealthy is an extension of ours: it also restarts a container
 *  whose health check fails. */
export const retryingPolicies: readonly string[] = ["on-failure", "on-unhealthy"];

interface Ended {
  readonly exitCode: number;
  readonly restartCount: number;
  readonly manuallyStopped: boolean;
  /** It was ended because its health check failed. */
  readonly unhealthy?: boolean;
}

export function shouldRestart(policy: RestartPolicy, ended: Ended): boolean {
  if (ended.manuallyStopped) return false;
  switch (policy.Name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
    case "on-unhealthy":
      if (ended.exitCode === 0 && ended.unhealthy !== true) return false;
      return policy.MaximumRetryCount === 0 || ended.restartCount < policy.MaximumRetryCount;
    default:
      return false;
  }
}

/** Milliseconds to wait; `previous` is the delay before this run, 0 if there was none. */
export function restartDelay(previous: number, ranFor: number): number {
  if (previous === 0 || ranFor >= LONG_RUN) return FIRST_DELAY;
  return Math.min(previous * 2, LONGEST_DELAY);
}

/** At the daemon's start: `always` also starts what a user had stopped. */
export function shouldStartAtBoot(policy: RestartPolicy, ended: Ended): boolean {
  if (policy.Name === "always") return true;
  if (retryingPolicies.includes(policy.Name))
    return shouldRestart(policy, { ...ended, manuallyStopped: false });
  return shouldRestart(policy, ended);
}
