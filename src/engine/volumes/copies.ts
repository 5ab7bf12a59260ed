// Volumes as a whole: out as a tar archive, in from one, and copied to another one. Docker has nothing like it.
//
// While a copy is made, the containers that write to the volume are paused, unless the user says no: what comes out is one moment's.

import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { conflict, isKind } from "#base/errors.ts";
import { planDirectory, planDirectoryCopy } from "#containerd/trees/directory-view.ts";
import type { Trees } from "#containerd/trees/trees.ts";
import { releasing } from "../releasing.ts";
import type { Volume } from "./catalog.ts";
import type { Volumes } from "./volumes.ts";

export interface VolumeCopyDeps {
  readonly volumes: Volumes;
  readonly trees: Pick<Trees, "packPath" | "unpack" | "copy">;
  /** Pauses the containers that run and write to the volume, until it is disposed. */
  readonly pauseWriters: (volume: string) => Promise<AsyncDisposable>;
  /** Told of failures that no request waits for. */
  readonly report: (error: unknown) => void;
}

/** Resolves when the archive has begun. To be read to its end, or the signal aborted. */
export async function exportVolume(
  deps: VolumeCopyDeps,
  { name, pause }: { readonly name: string; readonly pause: boolean },
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  await using held = new AsyncDisposableStack();
  const id = held.use(openHolder(deps.volumes, "export")).id;
  await deps.volumes.hold(name, id, signal);
  const path = held.use(await mounted(deps, name)).path;
  if (pause) held.use(await deps.pauseWriters(name));
  const { chunks } = await deps.trees.packPath(planDirectory(path, "read"), "/.", signal);
  const taken = held.move();
  return releasing(chunks, { release: () => taken.disposeAsync(), signal, report: deps.report });
}

/** Fills a volume that is empty and that no container has, or a new one. Rejects `conflict` otherwise. What failed leaves nothing. */
export async function importVolume(
  deps: VolumeCopyDeps,
  name: string,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Volume> {
  const { volumes, trees } = deps;
  await using undo = new AsyncDisposableStack();
  using holder = openHolder(volumes, "import");
  const request = { name, driver: "", labels: null, options: null, holder: holder.id };
  const { volume, isNew } = await makeOrFind(volumes, request, signal);
  if (isNew) undo.defer(() => volumes.remove(name));
  const others = volumes.usersOf(name).filter((user) => user !== holder.id);
  if (others.length > 0) throw conflict(`import ${name}: volume is in use - [${others.join(", ")}]`);
  await using place = await mounted(deps, name);
  if ((await readdir(place.path)).length > 0) throw conflict(`import ${name}: volume is not empty`);
  const unpacking = { path: "/", keepKinds: false, takesTop: true, refusals: [] };
  await volumes.fill(name, place.path, () =>
    trees.unpack(planDirectory(place.path, "write"), unpacking, archive, signal),
  );
  undo.move();
  return volume;
}

export interface VolumeClone {
  readonly from: string;
  /** Rejects `conflict` if there is one of that name. */
  readonly to: string;
  readonly pause: boolean;
}

/** The new volume is the engine's own, with the labels of the other one, and its size and owner if that is the engine's, too. */
export async function cloneVolume(
  deps: VolumeCopyDeps,
  { from, to, pause }: VolumeClone,
  signal: AbortSignal,
): Promise<Volume> {
  const { volumes, trees } = deps;
  await using undo = new AsyncDisposableStack();
  using holder = openHolder(volumes, "clone");
  const source = await volumes.hold(from, holder.id, signal);
  const own = source.driver === "local" ? ownOptions(source.options) : null;
  const request = {
    name: to,
    driver: "local",
    labels: ownLabels(source.labels),
    options: own,
    holder: holder.id,
  };
  const made = await volumes.create({ ...request, mustBeNew: true }, signal);
  undo.defer(() => volumes.remove(made.name));
  await using place = await mounted(deps, from);
  await using _paused = pause ? await deps.pauseWriters(from) : undefined;
  await volumes.fill(made.name, made.mountpoint, () =>
    trees.copy(planDirectoryCopy(place.path, made.mountpoint), signal),
  );
  undo.move();
  return made;
}

type Pairs = Readonly<Record<string, string>> | null;

/** A device is not copied: it would be the same one. */
function ownOptions(options: Pairs): Pairs {
  const kept = Object.entries(options ?? {}).filter(([name]) =>
    ["size", "uid", "gid", "mode"].includes(name),
  );
  return kept.length === 0 ? null : Object.fromEntries(kept);
}

function ownLabels(labels: Pairs): Pairs {
  const kept = Object.entries(labels ?? {}).filter(([name]) => name !== "com.docker.volume.anonymous");
  return kept.length === 0 ? null : Object.fromEntries(kept);
}

interface Holder extends Disposable {
  readonly id: string;
}

/** Whoever holds a volume keeps it from being removed. */
function openHolder(volumes: Volumes, job: string): Holder {
  const id = `${job}-${randomUUID()}`;
  return { id, [Symbol.dispose]: () => volumes.release(id) };
}

async function makeOrFind(
  volumes: Volumes,
  request: Parameters<Volumes["create"]>[0],
  signal: AbortSignal,
): Promise<{ readonly volume: Volume; readonly isNew: boolean }> {
  try {
    return { volume: await volumes.create({ ...request, mustBeNew: true }, signal), isNew: true };
  } catch (error) {
    if (!isKind(error, "conflict")) throw error;
    return { volume: await volumes.create(request, signal), isNew: false };
  }
}

async function mounted(
  { volumes }: Pick<VolumeCopyDeps, "volumes">,
  name: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  const user = `copy-${randomUUID()}`;
  const path = await volumes.mount(name, user);
  return { path, [Symbol.asyncDispose]: () => volumes.unmount(name, user) };
}
