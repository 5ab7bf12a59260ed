// DELETE /containers/{id}. Answers when id, name and address are free; files go after that.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Background } from "#base/background.ts";
import { conflict, EngineError, systemError } from "#base/errors.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { Execs } from "../exec/execs.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerLogs } from "./container-logs.ts";
import { type KillDeps, killAndWait } from "./kill.ts";
import type { ContainerVolumes } from "./mounts.ts";
import { overlayOption } from "./overlay-option.ts";
import { hasProcess, isRunning } from "./record.ts";
import { ignoreMissing, type ReleaseDeps, releaseTask } from "./release.ts";
import { scope } from "./scope.ts";
import { releaseSecrets, type SecretDeps } from "./secrets/kept-secrets.ts";
import { imageSnapshot } from "./staged-mounts.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface RemoveDeps extends ReleaseDeps, SecretDeps {
  readonly containers: ContainerStore;
  readonly snapshots: Pick<Snapshotter, "mounts" | "remove">;
  readonly volumes: Pick<ContainerVolumes, "unmount" | "remove">;
  readonly events: Pick<EventBus, "publish">;
  readonly background: Background;
  readonly execs: Pick<Execs, "forgetContainer">;
  readonly containersDir: string;
  readonly logs: Pick<ContainerLogs, "finish">;
  /** Deletes a directory tree, off this thread. */
  readonly removeTree: (path: string) => Promise<void>;
}

export interface RemoveOptions {
  readonly force: boolean;
  /** Anonymous volumes go too. */
  readonly volumes: boolean;
}

export async function removeContainer(
  deps: RemoveDeps & KillDeps,
  reference: string,
  options: RemoveOptions,
  signal: AbortSignal,
): Promise<void> {
  const container = deps.containers.get(reference);
  await container.settle();
  if (container.removing) throw conflict(`removal of container ${reference} is already in progress`);
  if (isRunning(container.state)) {
    if (!options.force) throw runningConflict(container, reference);
    container.removing = true;
    deps.containers.saveState(container, { manuallyStopped: true });
    try {
      await killAndWait(deps, container, signal);
    } catch (error) {
      container.removing = false;
      const cause = error instanceof Error ? error.message : String(error);
      throw systemError(`cannot remove container "${reference}": could not kill container: ${cause}`, {
        cause: error,
      });
    }
  }
  container.removing = true;
  using _held = await container.lock.acquire();
  if (container.removed) return; // it removed itself
  if (hasProcess(container.state)) {
    container.removing = false; // it was started meanwhile
    throw runningConflict(container, reference);
  }
  await removeHeld(deps, container, options);
}

function runningConflict({ state }: Container, reference: string): EngineError {
  if (state.status === "paused")
    return conflict(`cannot remove container "${reference}": container is paused and must be unpaused first`);
  const what = state.status === "restarting" ? "restarting" : "running";
  return conflict(
    `cannot remove container "${reference}": container is ${what}: stop the container before removing or force remove`,
  );
}

/** The caller holds the lock; no process is left. */
export async function removeHeld(
  deps: RemoveDeps,
  container: Container,
  options: Pick<RemoveOptions, "volumes">,
): Promise<void> {
  container.removing = true;
  container.cancelRestart?.();
  for (const attach of container.pendingAttaches) attach.abandon();
  await forget(deps, container);
  try {
    if (container.record.secrets !== undefined) await releaseSecrets(deps, container.id);
    if (options.volumes) await removeVolumes(deps, container);
  } finally {
    publishContainerEvent(deps.events, container, "destroy");
    deps.background.run(() => removeFiles(deps, container));
  }
}

/** A container that could not be forgotten can be removed again. */
async function forget(deps: RemoveDeps, container: Container): Promise<void> {
  try {
    deps.containers.delete(container);
  } catch {
    try {
      await makeRoom(deps, container); // a full disk: even a removal needs a little
      deps.containers.delete(container);
    } catch (error) {
      container.removing = false;
      throw error;
    }
  }
  deps.execs.forgetContainer(container.id);
}

async function removeVolumes(deps: RemoveDeps, container: Container): Promise<void> {
  for (const mount of container.record.mounts) {
    if (mount.type !== "volume" || !mount.anonymous) continue;
    await deps.volumes.unmount(mount.name, container.id);
    // Another container may use it (--volumes-from).
    await deps.volumes.remove(mount.name).catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
    });
  }
}

/** What the container wrote goes first; the snapshot without it goes with the rest. */
async function makeRoom(deps: RemoveDeps, { id }: Container): Promise<void> {
  await deps.tasks.delete(scope, id, "").catch(ignoreMissing);
  await deps.removeTree(join(deps.containersDir, id));
  for (const mount of await deps.snapshots.mounts(scope, id)) {
    const upper = overlayOption(mount, "upperdir");
    if (upper === undefined) continue;
    for (const name of await readdir(upper)) await rm(join(upper, name), { recursive: true, force: true });
  }
}

async function removeFiles(deps: RemoveDeps, container: Container): Promise<void> {
  await releaseTask(deps, container);
  await deps.snapshots.remove(scope, container.id).catch(ignoreMissing);
  await deps.logs.finish(container);
  for (const [index, { type }] of container.record.mounts.entries())
    if (type === "image")
      await deps.snapshots.remove(scope, imageSnapshot(container.id, index)).catch(ignoreMissing);
  await deps.removeTree(join(deps.containersDir, container.id));
}
