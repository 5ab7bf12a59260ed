// The daemon's start: containers that ran are watched again or their exits collected, half-made ones go, restart policies apply.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { ContainerRecords } from "#containerd/containers/containers.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { TaskProcess, Tasks } from "#containerd/tasks/tasks.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { NetworkController } from "#network/controller.ts";
import type { ContainerLogs } from "./container-logs.ts";
import type { ExitWatcher } from "./exits.ts";
import type { ContainerVolumes } from "./mounts.ts";
import { hasProcess } from "./record.ts";
import { ignoreMissing } from "./release.ts";
import { shouldStartAtBoot } from "./restart-policy.ts";
import { scope } from "./scope.ts";
import { releaseStraySecrets } from "./secrets/kept-secrets.ts";
import { snapshotOwner } from "./staged-mounts.ts";
import { removeStaleMounts } from "./stale-mounts.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface RestoreDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "list" | "get" | "kill" | "delete" | "resume">;
  readonly records: Pick<ContainerRecords, "list" | "delete">;
  readonly snapshots: Pick<Snapshotter, "list" | "remove">;
  readonly networks: Pick<NetworkController, "restore">;
  readonly volumes: Pick<ContainerVolumes, "adopt">;
  readonly exits: Pick<ExitWatcher, "handle">;
  readonly watchExit: (container: Container) => void;
  readonly containersDir: string;
  readonly secretsDir: string;
  readonly logs: Pick<ContainerLogs, "resume">;
  readonly executor: Pick<Executor, "run">;
  /** The lock is held. */
  readonly restart: (container: Container, signal: AbortSignal) => Promise<void>;
  readonly autoRemove: (container: Container) => Promise<void>;
  readonly report: (error: unknown) => void;
}

/** Resolves when everything is known; containers that policies start come up after that. */
export async function restoreContainers(deps: RestoreDeps): Promise<void> {
  const tasks = new Map((await deps.tasks.list(scope)).map((task) => [task.containerId, task]));
  const livesOn = ({ id, state }: Container): boolean => hasProcess(state) && isAlive(tasks.get(id));
  const { living = [], others = [] } = Object.groupBy(deps.containers.list(), (container) =>
    livesOn(container) ? "living" : "others",
  );
  for (const container of deps.containers.list()) deps.logs.resume(container);
  await deps.networks.restore(
    living.flatMap(({ state }) => (state.network === null ? [] : [state.network.sandbox])),
  );
  await removeOrphans(deps, tasks);
  await removeStaleMounts(deps, new Set(living.map(({ id }) => id)));
  // First, so that what they share with those that have ended is not given back.
  await Promise.all(living.map((container) => adopt(deps, container, tasks.get(container.id))));
  await Promise.all(others.map((container) => restoreOne(deps, container, tasks.get(container.id))));
}

/** A task that was created and never started belongs to a start that did not come to its end; one whose shim does not answer
 *  ("unknown") may run. */
const isAlive = (task: TaskProcess | undefined): boolean =>
  task?.status === "running" || task?.status === "paused" || task?.status === "unknown";

async function restoreOne(
  deps: RestoreDeps,
  container: Container,
  task: TaskProcess | undefined,
): Promise<void> {
  if (hasProcess(container.state)) await collectExit(deps, container, task);
  else if (task !== undefined) await removeTask(deps, container.id);
  if (container.removed || hasProcess(container.state)) return;
  using _held = await container.lock.acquire();
  if (container.record.hostConfig.AutoRemove && !container.removed) await deps.autoRemove(container);
}

async function adopt(deps: RestoreDeps, container: Container, task: TaskProcess | undefined): Promise<void> {
  const goesOn = container.state.pausedBriefly === true && (await resume(deps, container, task));
  const status = task?.status === "paused" && !goesOn ? "paused" : "running";
  if (goesOn || (task?.status !== "unknown" && container.state.status !== status))
    deps.containers.saveState(container, { status, pausedBriefly: false });
  // A volume's device stays mounted until its last container has ended.
  for (const mount of container.record.mounts)
    if (mount.type === "volume") deps.volumes.adopt(mount.name, container.id, mount.source);
  deps.watchExit(container);
}

/** It was paused for a copy that the last daemon did not finish. False: it is not paused, or stays so. */
async function resume(deps: RestoreDeps, { id }: Container, task: TaskProcess | undefined): Promise<boolean> {
  if (task?.status !== "paused") return false;
  try {
    await deps.tasks.resume(scope, id);
    return true;
  } catch (error) {
    deps.report(error);
    return false;
  }
}

/** It ended while no daemon looked. The shim has recorded how; without a record nobody knows. */
async function collectExit(
  deps: RestoreDeps,
  container: Container,
  task: TaskProcess | undefined,
): Promise<void> {
  const known = task?.status === "stopped";
  const exit = known
    ? { exitCode: task.exitCode, exitedAt: task.exitedAt }
    : { exitCode: 255, exitedAt: Date.now() };
  await deps.exits.handle(container, exit);
}

/** What a start or a creation left that did not come to its end. */
async function removeOrphans(deps: RestoreDeps, tasks: ReadonlyMap<string, TaskProcess>): Promise<void> {
  const isKnown = (id: string): boolean => deps.containers.find(id)?.id === id;
  for (const id of tasks.keys()) if (!isKnown(id)) await removeTask(deps, id);
  const running = (id: string): boolean => isAlive(tasks.get(id)) && isKnown(id);
  for (const { id } of await deps.records.list(scope, []))
    if (!running(id)) await deps.records.delete(scope, id).catch(ignoreMissing);
  for (const name of await readdir(deps.containersDir))
    if (!isKnown(name)) await rm(join(deps.containersDir, name), { recursive: true, force: true });
  await releaseStraySecrets(deps, isKnown);
  for await (const { name, kind } of deps.snapshots.list(scope, [])) {
    const owner = kind === "committed" ? undefined : snapshotOwner(name);
    if (owner !== undefined && !isKnown(owner)) await deps.snapshots.remove(scope, name).catch(ignoreMissing);
  }
}

async function removeTask(deps: RestoreDeps, id: string): Promise<void> {
  try {
    await deps.tasks.kill(scope, { containerId: id, execId: "" }, 9, true).catch(ignoreMissing);
    await deps.tasks.delete(scope, id, "").catch(ignoreMissing);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    deps.report(error);
  }
}

/** Restart policies at the daemon's start, beside each other; one that fails does not hold up the others. */
export async function startByPolicy(deps: RestoreDeps, signal: AbortSignal): Promise<void> {
  await Promise.all(
    deps.containers.list().map(async (container) => {
      using _held = await container.lock.acquire();
      const { state, record } = container;
      const waits = state.status === "restarting";
      const ended = state.status === "exited" && shouldStartAtBoot(record.hostConfig.RestartPolicy, state);
      if (!(waits || ended) || container.removed) return;
      await deps.restart(container, signal).catch(deps.report);
    }),
  );
}
