// POST /containers/{id}/stop and /restart: the stop signal, patience, then SIGKILL.

import { isKind, notModified } from "#base/errors.ts";
import { publishContainerEvent } from "./container-events.ts";
import { cancelRestart, type KillDeps, killAndWait, sendSignal } from "./kill.ts";
import { patience } from "./patience.ts";
import { hasProcess } from "./record.ts";
import { parseSignal, stopSignalOf } from "./signals.ts";
import { type StartDeps, startContainer } from "./start.ts";
import type { Container } from "./store.ts";

export interface StopOptions {
  /** Signal by name; "" is the container's own. */
  readonly signal: string;
  /** Seconds; -1 waits for ever, undefined is the container's own. */
  readonly timeout: number | undefined;
}

const DEFAULT_TIMEOUT = 10;

const chooseSignal = ({ record }: Container, name: string): number =>
  name === "" ? stopSignalOf(record.config) : parseSignal(name);

export async function stopContainer(
  deps: KillDeps,
  reference: string,
  options: StopOptions,
  signal: AbortSignal,
): Promise<void> {
  const container = deps.containers.get(reference);
  const number = chooseSignal(container, options.signal);
  await container.settle();
  if (!container.running) throw notModified();
  await stop(deps, container, { number, timeout: options.timeout, manual: true }, signal);
  publishContainerEvent(deps.events, container, "stop");
}

export interface StopPlan {
  readonly number: number;
  readonly timeout: number | undefined;
  /** A user wants it down: `unless-stopped` then stays down at the daemon's next start. */
  readonly manual: boolean;
}

/** Ends the process and resolves once its exit has been recorded. No policy restarts it. */
export async function stop(
  deps: KillDeps,
  container: Container,
  how: StopPlan,
  signal: AbortSignal,
): Promise<void> {
  if (container.state.status === "restarting") return cancelRestart(deps, container, how.manual);
  container.stopping = true;
  if (how.manual) deps.containers.saveState(container, { manuallyStopped: true });
  const { exits } = container;
  const ended = (): boolean => container.removed || container.exits > exits || !hasProcess(container.state);
  try {
    await sendSignal(deps, container, how.number);
  } catch (error) {
    if (!isKind(error, "unavailable")) throw error;
    return killAndWait(deps, container, signal); // its shim does not answer: the program cannot be asked to stop
  }
  const seconds =
    how.timeout ?? container.record.config.StopTimeout ?? deps.stopTimeout?.() ?? DEFAULT_TIMEOUT;
  const lost = patience(seconds * 1000);
  try {
    await container.until(ended, AbortSignal.any([signal, lost]));
  } catch (error) {
    if (!lost.aborted || signal.aborted) throw error;
    if (!ended()) await killAndWait(deps, container, signal);
  }
}

/** What a failed health check has for its consequence, if the container's policy wants any. */
export async function endUnhealthy(deps: KillDeps, container: Container, signal: AbortSignal): Promise<void> {
  if (container.record.hostConfig.RestartPolicy.Name !== "on-unhealthy") return;
  container.ailing = true;
  const number = stopSignalOf(container.record.config);
  await stop(deps, container, { number, timeout: undefined, manual: false }, signal);
}

export async function restartContainer(
  deps: KillDeps & StartDeps,
  reference: string,
  options: StopOptions,
  signal: AbortSignal,
): Promise<void> {
  const container = deps.containers.get(reference);
  const number = chooseSignal(container, options.signal);
  await container.settle();
  if (container.running) {
    container.keep = true; // --rm does not remove what is about to be started again
    try {
      await stop(deps, container, { number, timeout: options.timeout, manual: true }, signal);
      publishContainerEvent(deps.events, container, "stop");
    } finally {
      container.keep = false;
    }
  }
  await startContainer(deps, container, signal);
  publishContainerEvent(deps.events, container, "restart");
}
