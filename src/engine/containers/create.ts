// POST /containers/create: settings checked, image and volumes resolved, root file system prepared, record saved.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, formatTime } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import { joinAll } from "#base/join.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { CreateRequest } from "./create-request.ts";
import { chooseIdMaps } from "./id-maps.ts";
import { layInitFiles } from "./init-files.ts";
import { type ContainerVolumes, resolveMounts } from "./mounts.ts";
import { chooseName, parseContainerName } from "./names.ts";
import { type PlanContainerDeps, planContainer, recordOf } from "./plan-container.ts";
import { newState } from "./record.ts";
import { scope } from "./scope.ts";
import { keepSecrets, releaseSecrets, type SecretDeps } from "./secrets/kept-secrets.ts";
import type { ContainerStore } from "./store.ts";
import { containerWarnings } from "./warnings.ts";

export interface CreateDeps extends PlanContainerDeps, SecretDeps {
  readonly containers: ContainerStore;
  readonly snapshots: Pick<Snapshotter, "prepare" | "remove" | "view">;
  readonly volumes: Pick<ContainerVolumes, "create" | "populate" | "release" | "remove">;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  /** Holds a directory for each container: containers/<id>. */
  readonly containersDir: string;
}

export interface Created {
  readonly id: string;
  readonly warnings: readonly string[];
}

export async function createContainer(
  deps: CreateDeps,
  request: CreateRequest,
  minor: number,
  signal: AbortSignal,
): Promise<Created> {
  const plan = await planContainer(deps, request, minor, signal);
  const givenName = request.name === "" ? undefined : parseContainerName(request.name);
  const { id, image, hostConfig } = plan;
  const name = givenName ?? chooseName((taken) => deps.containers.hasName(taken), id);
  using _name = deps.containers.reserveName(name, id);
  await using undo = new AsyncDisposableStack();
  using holding = new DisposableStack(); // before the undo, which removes volumes
  holding.defer(() => deps.volumes.release(id));
  const [mounts, rootfs] = await joinAll([
    resolveMounts(deps, plan, undo, signal),
    prepareFiles(deps, id, image.chainId, undo),
  ]);
  const target = join(deps.containersDir, id);
  for (const { type, copy, name: volume, destination } of mounts)
    if (type === "volume" && copy)
      await deps.volumes.populate(volume, { rootfs, target, destination }, signal);
  if (request.secrets.length > 0) {
    undo.defer(() => releaseSecrets(deps, id));
    await keepSecrets(deps, id, request.secrets, signal);
  }
  const idMaps = chooseIdMaps(hostConfig, deps.userNamespaces, () =>
    deps.containers.list().flatMap(({ record }) => record.idMaps ?? []),
  );
  const facts = {
    name,
    createdAt: formatTime(deps.clock.now()),
    networks: plan.networks,
    mounts,
    ...(idMaps !== undefined && { idMaps }),
  };
  const container = deps.containers.add(recordOf(plan, facts, deps.containersDir), newState);
  undo.move();
  publishContainerEvent(deps.events, container, "create");
  const warnings = [...request.warnings, ...plan.warnings, ...containerWarnings(hostConfig, deps.host)];
  return { id, warnings };
}

async function prepareFiles(
  deps: CreateDeps,
  id: string,
  chainId: string,
  undo: AsyncDisposableStack,
): Promise<readonly Mount[]> {
  const directory = join(deps.containersDir, id);
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  undo.defer(async () => {
    await deps.snapshots.remove(scope, id).catch((error: unknown) => {
      if (!isKind(error, "notFound")) throw error;
    });
  });
  const [mounts] = await Promise.all([
    deps.snapshots.prepare(scope, id, chainId, {}),
    mkdir(directory, { mode: 0o710, recursive: true }),
  ]);
  layInitFiles(mounts);
  return mounts;
}
