// A container's checkpoints: each is a folder, beside the container or wherever the user says.

import { statSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemError, unsupported } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { Checkpoint } from "./launch.ts";
import { hasProcess } from "./record.ts";
import { scope } from "./scope.ts";
import type { Container, ContainerStore } from "./store.ts";

interface PlaceDeps {
  readonly containersDir: string;
}

export interface CheckpointDeps extends PlaceDeps {
  readonly containers: Pick<ContainerStore, "get">;
  readonly tasks: Pick<Tasks, "checkpoint">;
  readonly events: Pick<EventBus, "publish">;
  /** The daemon's own: a client that goes away does not break a checkpoint off. */
  readonly signal: AbortSignal;
}

/** Which container, as the request names it, and which of its checkpoints. */
export interface CheckpointName {
  readonly container: string;
  readonly id: string;
  /** "": the container's own. */
  readonly directory: string;
}

/** Saves a container that runs, and ends it with `exit`: it has exited then. */
export async function createCheckpoint(
  deps: CheckpointDeps,
  { container: reference, id, directory }: CheckpointName,
  exit: boolean,
): Promise<void> {
  const container = deps.containers.get(reference);
  const exits = container.exits;
  {
    using _held = await container.lock.acquire();
    if (!hasProcess(container.state)) throw systemError(`Container ${reference} not running`);
    checkId(id);
    if (container.state.status === "paused") throw unsupported("checkpoint of a paused container");
    const images = join(placeOf(deps, container, directory), id);
    await makeFolder(images, { reference, id });
    try {
      const wanted = { images, work: workOf(deps, container), leaveRunning: !exit };
      await deps.tasks.checkpoint(scope, container.id, wanted, deps.signal);
    } catch (error) {
      await rm(images, { recursive: true, force: true });
      throw systemError(`Cannot checkpoint container ${reference}: ${messageOf(error)}`, { cause: error });
    }
    publishContainerEvent(deps.events, container, "checkpoint");
  }
  if (exit) await container.until(() => container.exits > exits || container.removed, deps.signal);
}

/** Their names, in their order. */
export async function listCheckpoints(
  deps: CheckpointDeps,
  reference: string,
  directory: string,
): Promise<readonly string[]> {
  const container = deps.containers.get(reference);
  const place = placeOf(deps, container, directory);
  // Its own folder comes with the first checkpoint.
  if (directory === "" && kindOf(place) === "missing") return [];
  mustBeFolder(place, { reference, id: "" });
  const entries = await readdir(place, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

export async function removeCheckpoint(
  deps: CheckpointDeps,
  { container: reference, id, directory }: CheckpointName,
): Promise<void> {
  const container = deps.containers.get(reference);
  checkId(id);
  const path = join(placeOf(deps, container, directory), id);
  mustBeFolder(path, { reference, id });
  await rm(path, { recursive: true, force: true });
}

/** For a start. "" is none. */
export function findCheckpoint(deps: PlaceDeps, container: Container, id: string): Checkpoint | undefined {
  if (id === "") return undefined;
  checkId(id);
  const images = join(placeOf(deps, container, ""), id);
  mustBeFolder(images, { reference: `/${container.record.name}`, id });
  return { images, work: workOf(deps, container) };
}

const placeOf = ({ containersDir }: PlaceDeps, { id }: Container, directory: string): string =>
  directory === "" ? join(containersDir, id, "checkpoints") : resolve(directory);

/** Of criu's logs, the last of each kind. */
const workOf = ({ containersDir }: PlaceDeps, { id }: Container): string => join(containersDir, id, "criu");

const allowed = "[a-zA-Z0-9][a-zA-Z0-9_.-]";

/** Docker's names: none leads out of the folder. */
function checkId(id: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(id))
    throw systemError(`Invalid checkpoint ID (${id}), only ${allowed} are allowed`);
}

interface Named {
  readonly reference: string;
  readonly id: string;
}

async function makeFolder(path: string, { reference, id }: Named): Promise<void> {
  const failed = (why: string): Error => systemError(`cannot checkpoint container ${reference}: ${why}`);
  const kind = kindOf(path);
  if (kind === "folder") throw failed(`checkpoint with name ${id} already exists for container ${reference}`);
  if (kind === "file") throw failed(`${path} exists and is not a directory`);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw failed(messageOf(error));
  }
}

function mustBeFolder(path: string, { reference, id }: Named): void {
  const kind = kindOf(path);
  if (kind === "missing") throw systemError(`checkpoint ${id} does not exist for container ${reference}`);
  if (kind === "file") throw systemError(`${path} exists and is not a directory`);
}

function kindOf(path: string): "missing" | "folder" | "file" {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return "missing";
  return found.isDirectory() ? "folder" : "file";
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
