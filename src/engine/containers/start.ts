// POST /containers/{id}/start: launches the container and records what came of it.

import { join } from "node:path";
import type { Clock } from "#base/clock.ts";
import { conflict, EngineError, notModified } from "#base/errors.ts";
import type { EventBus } from "#engine/events/events.ts";
import { findCheckpoint } from "./checkpoints.ts";
import { publishConnections, publishVolumeUse } from "./connection-events.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerLogs } from "./container-logs.ts";
import { connectAttaches, type LaunchDeps, launch } from "./launch.ts";
import { updateParents } from "./links.ts";
import { isUserDefined } from "./network-names.ts";
import { describeStartFailure, failureError } from "./start-error.ts";
import type { Container, ContainerStore } from "./store.ts";

const NO_CODE = 128;

export interface StartDeps extends LaunchDeps {
  readonly containers: ContainerStore;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  readonly logs: Pick<ContainerLogs, "open">;
  /** Told of failures that no request waits for. */
  readonly report: (error: unknown) => void;
  /** From now on somebody waits for the exit. */
  readonly watchExit: (container: Container) => void;
  /** Removes a container that was to remove itself; the lock is held. */
  readonly autoRemove: (container: Container) => Promise<void>;
}

/** What the container goes on from; "" is nothing. */
export interface StartFrom {
  readonly checkpoint: string;
  readonly directory: string;
}

export async function startContainer(
  deps: StartDeps,
  container: Container,
  signal: AbortSignal,
  from: StartFrom = { checkpoint: "", directory: "" },
): Promise<void> {
  using _held = await container.lock.acquire();
  refuseStart(container);
  if (from.directory !== "") throw new EngineError("forbidden", "custom checkpointdir is not supported");
  if (container.state.restartCount > 0) deps.containers.saveState(container, { restartCount: 0 });
  await startHeld(deps, container, signal, from.checkpoint);
}

function refuseStart(container: Container): void {
  switch (container.state.status) {
    case "paused":
      throw conflict("cannot start a paused container, try unpause instead");
    case "running":
      throw notModified();
    case "removing":
    case "dead":
      throw conflict("container is marked for removal and cannot be started");
    default:
      if (container.removed) throw conflict("container is marked for removal and cannot be started");
  }
}

/** The caller holds the container's lock and has looked at its state. */
export async function startHeld(
  deps: StartDeps,
  container: Container,
  signal: AbortSignal,
  checkpoint = "",
): Promise<void> {
  container.stopping = false;
  container.ailing = false;
  try {
    using _log = await deps.logs.open(container, signal);
    await launch(deps, container, signal, findCheckpoint(deps, container, checkpoint));
    keepNetworkIds(deps, container);
    await connectAttaches(container); // those that came during the start
    await updateParents({ ...deps, rewriteHosts: (parent) => rewriteHosts(deps, parent) }, container);
  } catch (error) {
    await recordFailure(deps, container, error);
  }
  deps.watchExit(container);
  publishConnections(deps, container, "connect");
  publishVolumeUse(deps, container, "mount");
  publishContainerEvent(deps.events, container, "start");
}

/** From now on the container is on these networks, whatever else gets their names. */
function keepNetworkIds(deps: Pick<StartDeps, "containers">, container: Container): void {
  const { networks } = container.record;
  const found = container.state.network?.sandbox.endpoints ?? [];
  const fresh = found.flatMap(({ networkName: name, networkId }) => {
    const kept = networks[name];
    return kept !== undefined && isUserDefined(name) && kept.NetworkID !== networkId
      ? [[name, { ...kept, NetworkID: networkId }] as const]
      : [];
  });
  if (fresh.length > 0)
    deps.containers.saveRecord(container, { networks: { ...networks, ...Object.fromEntries(fresh) } });
}

const rewriteHosts = (deps: StartDeps, { id, record, state }: Container): Promise<void> =>
  deps.etc.writeHosts(join(deps.containersDir, id), record, state.network?.sandbox.endpoints ?? []);

async function recordFailure(deps: StartDeps, container: Container, error: unknown): Promise<never> {
  for (const attach of container.pendingAttaches) attach.abandon();
  container.pendingAttaches.clear();
  const failure = describeStartFailure(error, container.record.path, container.record.mounts);
  const status = container.state.status === "restarting" ? "exited" : container.state.status;
  const change = {
    status,
    // As Docker: a failure without a code of its own leaves that of the last run.
    exitCode: failure.exitCode === NO_CODE ? container.state.exitCode || NO_CODE : failure.exitCode,
    error: failure.message,
    network: null,
    pid: 0,
  } as const;
  deps.containers.recordState(container, change, deps.report);
  if (container.record.hostConfig.AutoRemove) await deps.autoRemove(container);
  throw failureError(failure, error);
}
