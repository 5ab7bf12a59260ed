// A container's files as `docker cp` sees them, running or not: decides what is mounted where in the view.

import { randomUUID } from "node:crypto";
import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemError } from "#base/errors.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import { directoriesOf } from "#containerd/trees/layer-view.ts";
import { LIVE_NAMESPACE, planView, type ViewMount, type ViewRoot } from "#containerd/trees/view.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Attributes, Plan } from "#kernel/plan/ops.ts";
import type { ContainerVolumes } from "../mounts.ts";
import { hasProcess } from "../record.ts";
import { scope } from "../scope.ts";
import type { Container } from "../store.ts";

export interface ViewDeps {
  /** Told of failures that no request waits for. */
  readonly report: (error: unknown) => void;
  readonly snapshots: Pick<Snapshotter, "mounts" | "name">;
  readonly volumes: Pick<ContainerVolumes, "mount" | "unmount">;
  readonly containersDir: string;
  /** An empty directory that nobody else looks at. */
  readonly scratch: string;
}

export interface ViewChoice {
  readonly container: Container;
  /** Volumes, bind mounts and the files in /etc that the engine writes; else the root file system alone. */
  readonly withMounts: boolean;
  readonly writing: boolean;
}

/** What `use` gets stays usable until it is released; a process that ended meanwhile makes it be called once more, for a stopped container. */
export async function withView<T>(
  deps: ViewDeps,
  choice: ViewChoice,
  use: (plan: Plan, release: () => Promise<void>) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    const { pid } = choice.container.state;
    try {
      return await openView(deps, choice, use);
    } catch (error) {
      if (!isProcessGone(error) || tries > 0) throw error;
      await waitForEnd(choice.container, pid, signal);
    }
  }
}

const isProcessGone = (error: unknown): boolean =>
  error instanceof PlanError &&
  error.why === LIVE_NAMESPACE &&
  ["ENOENT", "ESRCH", "EINVAL"].includes(error.code);

/** Its exit is on its way. */
async function waitForEnd(container: Container, pid: number, signal: AbortSignal): Promise<void> {
  const EXIT_MS = 10_000;
  const patience = AbortSignal.any([signal, AbortSignal.timeout(EXIT_MS)]);
  await container
    .until(() => !hasProcess(container.state) || container.state.pid !== pid, patience)
    .catch(() => {
      signal.throwIfAborted();
      throw systemError(`container ${container.id} does not answer`);
    });
}

async function openView<T>(
  deps: ViewDeps,
  choice: ViewChoice,
  use: (plan: Plan, release: () => Promise<void>) => Promise<T>,
): Promise<T> {
  await using held = new AsyncDisposableStack();
  const { container } = choice;
  const root = await chooseRoot(deps, choice);
  const mounts = choice.withMounts ? await chooseMounts(deps, container, held) : [];
  const readOnly = container.record.hostConfig.ReadonlyRootfs && choice.writing;
  const plan = planView({ root, mounts, readOnly, scratch: deps.scratch });
  const owned = held.move();
  await using undo = new AsyncDisposableStack();
  undo.use(owned);
  const result = await use(plan, () => owned.disposeAsync());
  undo.move();
  return result;
}

async function chooseRoot(deps: ViewDeps, { container, writing }: ViewChoice): Promise<ViewRoot> {
  const ownUser = container.record.idMaps !== undefined;
  if (hasProcess(container.state)) return { kind: "live", pid: container.state.pid, ownUser };
  const mounts = await deps.snapshots.mounts(scope, container.id);
  // A whole tree gets its places for mounts, as at a start; a layer has them above it.
  const kept = writing || deps.snapshots.name === "native";
  if (kept) return { kind: "snapshot", mounts, writes: "kept" };
  const [top = ""] = directoriesOf(mounts);
  return { kind: "snapshot", mounts, writes: { lost: await attributesOf(top) } };
}

/** Of the root directory, which is the snapshot's own. */
async function attributesOf(path: string): Promise<Attributes> {
  const { mode, uid, gid, mtimeNs } = await stat(path, { bigint: true });
  const [sec, nsec] = [mtimeNs / 1_000_000_000n, mtimeNs % 1_000_000_000n];
  return {
    mode: Number(mode & 0o7777n),
    uid: Number(uid),
    gid: Number(gid),
    mtime: { sec: Number(sec), nsec: Number(nsec) },
    xattrs: [],
  };
}

async function chooseMounts(
  deps: ViewDeps,
  { id, record }: Container,
  held: AsyncDisposableStack,
): Promise<readonly ViewMount[]> {
  const user = `view-${randomUUID()}`;
  const chosen: ViewMount[] = [];
  for (const mount of record.mounts) {
    if (mount.type !== "volume" && mount.type !== "bind") continue;
    const { destination, writable } = mount;
    const isVolume = mount.type === "volume";
    if (isVolume) held.defer(() => deps.volumes.unmount(mount.name, user));
    const source = isVolume ? await deps.volumes.mount(mount.name, user) : mount.source;
    const recursive = isVolume || mount.recursive;
    const part = mount.subpath === undefined ? {} : { subpath: mount.subpath };
    chosen.push({ source, ...part, destination, writable, recursive, mapped: isVolume });
  }
  const etc = await findEtcFiles(deps, id, record.hostConfig.ReadonlyRootfs);
  const own = new Set(chosen.map(({ destination }) => destination));
  const tmpfs = record.mounts.filter(({ type }) => type === "tmpfs").map(({ destination }) => destination);
  return [
    ...etc.filter(({ destination }) => !own.has(destination) && !tmpfs.includes(destination)),
    ...chosen,
  ].sort((left, right) => depth(left.destination) - depth(right.destination));
}

const depth = (path: string): number => path.split("/").length;

async function findEtcFiles(deps: ViewDeps, id: string, readOnly: boolean): Promise<readonly ViewMount[]> {
  const files = ["resolv.conf", "hostname", "hosts"].map((name) => ({
    source: join(deps.containersDir, id, name),
    destination: `/etc/${name}`,
    writable: !readOnly,
    recursive: false,
    mapped: true,
  }));
  const there = await Promise.all(
    files.map(({ source }) =>
      access(source).then(
        () => true,
        () => false,
      ),
    ),
  );
  return files.filter((_, index) => there[index]);
}
