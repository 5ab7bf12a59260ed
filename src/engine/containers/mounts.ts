// Decides a new container's mounts: what the user asked for, what other containers share, and the image's volumes.

import { stat } from "node:fs/promises";
import { EngineError, invalid } from "#base/errors.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { ContainerConfig, HostConfig } from "#spec/container-config.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import {
  anonymousVolume,
  type MountSpec,
  parseBind,
  parseMount,
  parseTmpfs,
  parseVolumesFrom,
} from "./mount-spec.ts";
import type { ContainerImages } from "./plan-container.ts";
import { choosePropagation } from "./propagation.ts";
import type { ContainerRecord, MountPoint } from "./record.ts";
import { ignoreMissing } from "./release.ts";
import { scope } from "./scope.ts";
import { imageSnapshot } from "./staged-mounts.ts";

/** What containers need of volumes. */
export interface ContainerVolumes {
  /** Makes the volume, or gives the existing one of that name; `name` "" makes an anonymous one. */
  create(
    request: {
      readonly name: string;
      readonly driver: string;
      readonly labels: Readonly<Record<string, string>> | null;
      readonly options: Readonly<Record<string, string>> | null;
      /** The container that is being made: the volume cannot be removed until its release. */
      readonly holder: string;
    },
    signal: AbortSignal,
  ): Promise<{ readonly name: string; readonly driver: string; readonly mountpoint: string }>;
  release(holder: string): void;
  /** A container is about to start with it; resolves with where it is on the host. Volumes with a device and a plugin's are mounted now. */
  mount(name: string, containerId: string): Promise<string>;
  /** A container that an earlier daemon started has it at `source`. */
  adopt(name: string, containerId: string, source: string): void;
  unmount(name: string, containerId: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Gives an empty volume what the container's root file system has at `destination`; `target`: a directory to mount that on. */
  populate(
    name: string,
    from: { readonly rootfs: readonly Mount[]; readonly target: string; readonly destination: string },
    signal: AbortSignal,
  ): Promise<void>;
}

export interface MountDeps {
  readonly containers: { find(reference: string): { readonly record: ContainerRecord } | undefined };
  readonly volumes: Pick<ContainerVolumes, "create" | "remove">;
  readonly snapshots: Pick<Snapshotter, "view" | "remove">;
  readonly images: ContainerImages;
  /** The daemon's own files. */
  readonly dataRoot: string;
}

/** The mounts as asked for, without doing anything. */
export function planMounts(
  config: ContainerConfig,
  hostConfig: HostConfig,
  minor: number,
  deps: Pick<MountDeps, "containers" | "dataRoot">,
): readonly MountSpec[] {
  const byTarget = new Map<string, MountSpec>();
  for (const entry of hostConfig.VolumesFrom ?? [])
    for (const mount of mountsFrom(entry, deps.containers)) byTarget.set(mount.destination, mount);
  const tmpfs = new Set(
    Object.entries(hostConfig.Tmpfs ?? {}).map(([path, options]) => parseTmpfs(path, options).destination),
  );
  for (const mount of ownMounts(hostConfig, minor, tmpfs))
    byTarget.set(mount.destination, choosePropagation(asOf(minor, mount), deps.dataRoot));
  for (const path of Object.keys(config.Volumes ?? {})) {
    const mount = anonymousVolume(path, hostConfig.VolumeDriver);
    if (!byTarget.has(mount.destination) && !tmpfs.has(mount.destination))
      byTarget.set(mount.destination, mount);
  }
  return [...byTarget.values()];
}

/** Before 1.44 a read-only bind left what is mounted below it as it was. */
const asOf = (minor: number, mount: MountSpec): MountSpec =>
  minor < 44 && mount.type === "bind" && !mount.writable ? { ...mount, writableBelow: true } : mount;

/** As with dockerd, a tmpfs may lie on an entry of `Mounts`, not on one of `Binds`. */
function ownMounts(hostConfig: HostConfig, minor: number, tmpfs: ReadonlySet<string>): readonly MountSpec[] {
  const binds = (hostConfig.Binds ?? []).map((text) => parseBind(text, hostConfig.VolumeDriver));
  const mounts = (hostConfig.Mounts ?? []).map((mount) => parseMount(mount, minor));
  const seen = new Set<string>();
  for (const { destination } of binds) {
    if (seen.has(destination) || tmpfs.has(destination)) throw duplicate(destination);
    seen.add(destination);
  }
  for (const { destination } of mounts) {
    if (seen.has(destination)) throw duplicate(destination);
    seen.add(destination);
  }
  return [...binds, ...mounts];
}

const duplicate = (destination: string): Error => invalid(`Duplicate mount point: ${destination}`);

function mountsFrom(entry: string, lookUp: MountDeps["containers"]): readonly MountSpec[] {
  const { container, mode } = parseVolumesFrom(entry);
  const readOnly = mode.split(",").includes("ro");
  const donor = lookUp.find(container);
  if (donor === undefined) throw invalid(`No such container: ${container}`); // not 404: the client would pull the image
  return donor.record.mounts.map((mount) => ({
    ...mount,
    writable: mount.writable && !readOnly,
    mode: "",
    copy: false,
    labels: {},
    driverOptions: {},
  }));
}

const orNull = (map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null =>
  Object.keys(map).length === 0 ? null : map;

/** Makes the volumes, finds the images and checks the bind sources; `undo` removes anonymous volumes and images' snapshots. */
export async function resolveMounts(
  deps: Omit<MountDeps, "containers" | "dataRoot">,
  { id, mounts: specs }: { readonly id: string; readonly mounts: readonly MountSpec[] },
  undo: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<readonly MountPoint[]> {
  const mounts: MountPoint[] = [];
  for (const { labels, driverOptions, ...mount } of specs) {
    if (mount.type === "volume") {
      const given = { labels: orNull(labels), options: orNull(driverOptions) };
      const request = { name: mount.name, driver: mount.driver, ...given, holder: id };
      const volume = await deps.volumes.create(request, signal);
      if (mount.name === "") undo.defer(() => deps.volumes.remove(volume.name));
      const { name, driver, mountpoint: source } = volume;
      // Docker's mark of volumes whose files it could relabel: its own.
      const mode = mount.mode === "z" && driver !== "local" ? "" : mount.mode;
      mounts.push({ ...mount, name, driver, source, mode });
      continue;
    }
    if (mount.type === "image") {
      const { chainId } = await deps.images.resolve(mount.name, "", signal);
      const key = imageSnapshot(id, mounts.length);
      undo.defer(() => deps.snapshots.remove(scope, key).catch(ignoreMissing));
      await deps.snapshots.view(scope, key, chainId, {});
    }
    if (mount.type === "bind" && !mount.createSource) await checkBindSource(mount.source);
    mounts.push(mount);
  }
  return mounts;
}

async function checkBindSource(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${path}`, {
      cause: error,
    });
  }
}
