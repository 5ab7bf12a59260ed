// A container's health check: what to run, when, and what a result changes.

import type { ContainerConfig } from "#spec/container-config.ts";
import type { HealthState } from "./record.ts";

export interface HealthPlan {
  readonly command: readonly [string, ...string[]];
  /** Milliseconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  /** How long that is the interval at most: the start period, or until the first verdict where there is no such period. */
  readonly startIntervalFor: number;
  readonly retries: number;
}

const milliseconds = (nanoseconds: number | undefined, fallback: number): number =>
  nanoseconds === undefined || nanoseconds === 0 ? fallback : nanoseconds / 1e6;

/** undefined if the container has none. */
export function planHealth({ Healthcheck: health, Shell: shell }: ContainerConfig): HealthPlan | undefined {
  const { StartPeriod: period = 0, StartInterval: interval = 0 } = health ?? {};
  const [kind, ...words] = health?.Test ?? [];
  const [first, ...rest] = kind === "CMD-SHELL" ? [...(shell ?? ["/bin/sh", "-c"]), ...words] : words;
  if (health === undefined || (kind !== "CMD" && kind !== "CMD-SHELL") || first === undefined)
    return undefined;
  return {
    command: [first, ...rest],
    interval: milliseconds(health.Interval, 30_000),
    timeout: milliseconds(health.Timeout, 30_000),
    startPeriod: milliseconds(period, 0),
    startInterval: milliseconds(interval, 5000),
    startIntervalFor: period === 0 && interval > 0 ? Number.POSITIVE_INFINITY : milliseconds(period, 0),
    retries: health.Retries || 3,
  };
}

export const startingHealth: HealthState = { status: "starting", failingStreak: 0, log: [] };

/** Results kept for inspect. */
const KEPT = 5;

type Result = HealthState["log"][number];

/** `age`: milliseconds since the container started. */
export function applyResult(health: HealthState, result: Result, plan: HealthPlan, age: number): HealthState {
  const log = [...health.log, result].slice(-KEPT);
  if (result.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  const forgiven = health.status === "starting" && age < plan.startPeriod;
  const failingStreak = forgiven ? health.failingStreak : health.failingStreak + 1;
  return { status: failingStreak >= plan.retries ? "unhealthy" : health.status, failingStreak, log };
}

/** Milliseconds until the next probe. */
export const nextProbe = (health: HealthState, plan: HealthPlan, age: number): number =>
  health.status === "starting" && age < plan.startIntervalFor ? plan.startInterval : plan.interval;
