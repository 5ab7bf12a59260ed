// Gives back what a run of a container held: its address and ports, its task, its volumes.

import { EngineError } from "#base/errors.ts";
import type { ContainerRecords } from "#containerd/containers/containers.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { NetworkController } from "#network/controller.ts";
import type { ContainerVolumes } from "./mounts.ts";
import { scope } from "./scope.ts";
import { releaseSharedMemory, type SharedMemoryDeps } from "./shared-memory.ts";
import type { Container } from "./store.ts";

export interface ReleaseDeps extends SharedMemoryDeps {
  readonly records: Pick<ContainerRecords, "delete">;
  readonly tasks: Pick<Tasks, "delete">;
  readonly networks: Pick<NetworkController, "detach">;
  readonly volumes: Pick<ContainerVolumes, "unmount">;
}

/** Address and ports are free when it returns. */
export async function releaseNetwork(deps: ReleaseDeps, container: Container): Promise<void> {
  const sandbox = container.state.network?.sandbox;
  if (sandbox !== undefined) await deps.networks.detach(sandbox.id);
}

/** The ended task and its record go, and the volumes are no longer mounted for it. Idempotent. */
export async function releaseTask(deps: ReleaseDeps, container: Container): Promise<void> {
  const { id } = container;
  await deps.tasks.delete(scope, id, "").catch(ignoreMissing);
  await deps.records.delete(scope, id).catch(ignoreMissing);
  const names = container.record.mounts.filter(({ type }) => type === "volume").map(({ name }) => name);
  const released = await Promise.allSettled(names.map((name) => deps.volumes.unmount(name, id)));
  await releaseSharedMemory(deps, container.record);
  for (const result of released) if (result.status === "rejected") throw result.reason; // a plugin's
}

export function ignoreMissing(error: unknown): void {
  if (!(error instanceof EngineError) || error.kind !== "notFound") throw error;
}
