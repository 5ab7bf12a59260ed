// POST /containers/{id}/kill.

import { conflict, invalid, notFound, prefixed } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import { publishContainerEvent } from "./container-events.ts";
import { hasProcess } from "./record.ts";
import { ignoreMissing } from "./release.ts";
import { scope } from "./scope.ts";
import { isLinuxSignal, parseSignal, SIGKILL, stopSignalOf } from "./signals.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface KillDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "kill" | "resume">;
  readonly events: Pick<EventBus, "publish">;
  /** Seconds that a container gets to stop if it does not say; Docker's own are ten. */
  readonly stopTimeout?: () => number;
}

export async function killContainer(
  deps: KillDeps,
  reference: string,
  signalName: string,
  signal: AbortSignal,
): Promise<void> {
  const number = parseSignal(signalName || "SIGKILL");
  const failed = `cannot kill container: ${reference}: `;
  const container = deps.containers.find(reference);
  if (container === undefined) throw prefixed(failed, notFound("container", reference));
  if (!isLinuxSignal(number)) throw invalid(`${failed}the linux daemon does not support signal ${number}`);
  await container.settle();
  if (container.state.status === "restarting") {
    await cancelRestart(deps, container);
    return;
  }
  if (!hasProcess(container.state)) throw conflict(`${failed}container ${container.id} is not running`);
  if (number === SIGKILL) {
    deps.containers.saveState(container, { manuallyStopped: true });
    await killAndWait(deps, container, signal);
    return;
  }
  if (stopSignalOf(container.record.config) === number)
    deps.containers.saveState(container, { manuallyStopped: true });
  await sendSignal(deps, container, number);
}

/** Sends the signal; a process that is gone by now is fine. A frozen one is thawed to receive what is to end it. */
export async function sendSignal(deps: KillDeps, container: Container, number: number): Promise<void> {
  publishContainerEvent(deps.events, container, "kill", { signal: String(number) });
  const target = { containerId: container.id, execId: "" };
  await deps.tasks.kill(scope, target, number, false).catch(ignoreMissing);
  if (container.state.status !== "paused") return;
  const { config } = container.record;
  if (number !== SIGKILL && config.StopSignal && stopSignalOf(config) !== number) return;
  await deps.tasks.resume(scope, container.id).catch(ignoreMissing);
  if (container.state.status !== "paused") return;
  deps.containers.saveState(container, { status: "running" });
  publishContainerEvent(deps.events, container, "unpause");
}

/** Ends the container and resolves once its exit has been recorded. */
export async function killAndWait(deps: KillDeps, container: Container, signal: AbortSignal): Promise<void> {
  if (container.state.status === "restarting") {
    await cancelRestart(deps, container);
    return;
  }
  const { exits } = container;
  await sendSignal(deps, container, SIGKILL);
  await container.until(() => container.removed || container.exits > exits, signal);
}

/** A container that waits for its restart ends here instead. */
export async function cancelRestart(
  deps: Pick<KillDeps, "containers">,
  container: Container,
  manual = true,
): Promise<void> {
  using _held = await container.lock.acquire();
  if (container.state.status !== "restarting") return;
  container.cancelRestart?.();
  deps.containers.saveState(container, { status: "exited", ...(manual && { manuallyStopped: true }) });
}
