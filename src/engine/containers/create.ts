// POST /containers/create: settings checked, image and volumes resolved, root file system prepared, record saved.

import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, formatTime } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import { joinAll } from "#base/join.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { ContainerConfig, HostConfig } from "#spec/container-config.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { CreateRequest } from "./create-request.ts";
import type { HostFacts } from "./host-facts.ts";
import { commandOf, type ImageSettings, mergeImageConfig } from "./merge-image-config.ts";
import { type ContainerVolumes, planMounts, resolveMounts } from "./mounts.ts";
import { chooseName, parseContainerName } from "./names.ts";
import { containerOf } from "./namespace-modes.ts";
import { defaultMaskedPaths, defaultReadonlyPaths, defaultShmSize } from "./oci-defaults.table.ts";
import { type ContainerRecord, newState } from "./record.ts";
import { refuseUnsupported } from "./refuse-unsupported.ts";
import type { ContainerStore } from "./store.ts";
import { validateContainer } from "./validate.ts";
import { containerWarnings } from "./warnings.ts";

/** An image as a container sees it. */
export interface ContainerImage {
  /** Digest of the image's configuration. */
  readonly id: string;
  /** The registry name that the reference resolved to; "" if it was an id. */
  readonly name: string;
  readonly chainId: string;
  readonly config: ImageSettings;
}

export interface ContainerImages {
  /** Rejects notFound "No such image: …". `platform`: os[/arch[/variant]] or "". */
  resolve(reference: string, platform: string, signal: AbortSignal): Promise<ContainerImage>;
}

/** containerd's namespace for Docker's objects. */
export const scope = { namespace: "moby" } as const;

export interface CreateDeps {
  readonly containers: ContainerStore;
  readonly images: ContainerImages;
  readonly snapshots: Pick<Snapshotter, "prepare" | "remove">;
  readonly volumes: Pick<ContainerVolumes, "create" | "populate" | "remove">;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  readonly host: HostFacts;
  /** Holds a directory for each container: containers/<id>. */
  readonly containersDir: string;
  /** Docker's log driver options of the daemon. */
  readonly defaultLogOptions: Readonly<Record<string, string>>;
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
  const id = randomBytes(32).toString("hex");
  const givenName = request.name === "" ? undefined : parseContainerName(request.name);
  const hostConfig = fillHostConfig(deps, request.hostConfig);
  refuseUnsupported(request.config, hostConfig, request.endpoints);
  validateContainer(request.config, hostConfig, deps.host);
  const image = await deps.images.resolve(request.config.Image, request.platform, signal);
  const config = fillConfig(deps, mergeImageConfig(request.config, image.config), hostConfig, id);
  const specs = planMounts(config, hostConfig, minor, deps.containers);

  const name = givenName ?? chooseName((taken) => deps.containers.hasName(taken), id);
  using _name = deps.containers.reserveName(name, id);
  await using undo = new AsyncDisposableStack();
  const [mounts, rootfs] = await joinAll([
    resolveMounts(deps, specs, undo, signal),
    prepareFiles(deps, id, image.chainId, undo),
  ]);
  const target = join(deps.containersDir, id);
  for (const { type, copy, name: volume, destination } of mounts)
    if (type === "volume" && copy)
      await deps.volumes.populate(volume, { rootfs, target, destination }, signal);
  const record: ContainerRecord = {
    id,
    name,
    createdAt: formatTime(deps.clock.now()),
    imageId: image.id,
    chainId: image.chainId,
    imageName: image.name,
    ...commandOf(config),
    config,
    hostConfig,
    endpoints: request.endpoints,
    mounts,
    logPath: hostConfig.LogConfig.Type === "none" ? "" : join(deps.containersDir, id, `${id}-json.log`),
  };
  const container = deps.containers.add(record, newState);
  undo.move();
  publishContainerEvent(deps.events, container, "create");
  const warnings = [...request.warnings, ...containerWarnings(request.config, hostConfig, deps.host)];
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
  return mounts;
}

/** Docker's defaults for what the client left open. */
function fillHostConfig(deps: CreateDeps, given: HostConfig): HostConfig {
  const v1 = deps.host.cgroupVersion === 1;
  const logType = given.LogConfig.Type || "json-file";
  const logOptions =
    given.LogConfig.Type === ""
      ? { ...deps.defaultLogOptions, ...given.LogConfig.Config }
      : given.LogConfig.Config;
  return {
    ...given,
    NetworkMode: nameDonor(deps, given.NetworkMode),
    PidMode: nameDonor(deps, given.PidMode),
    IpcMode: given.IpcMode || "private",
    CgroupnsMode: given.CgroupnsMode || (v1 ? "host" : "private"),
    ShmSize: given.ShmSize === 0 ? defaultShmSize : given.ShmSize,
    Runtime: given.Runtime || "runc",
    RestartPolicy: { ...given.RestartPolicy, Name: given.RestartPolicy.Name || "no" },
    LogConfig: { Type: logType, Config: logOptions ?? {} },
    MemorySwap: given.Memory > 0 && given.MemorySwap === 0 ? given.Memory * 2 : given.MemorySwap,
    OomKillDisable: v1 ? (given.OomKillDisable ?? false) : null,
    ...fillPaths(given),
  };
}

/** "container:web" by the id of the container, which stays when it is renamed. An unknown one is told at the start. */
function nameDonor(deps: CreateDeps, mode: string): string {
  const donor = deps.containers.find(containerOf(mode) ?? "");
  return donor === undefined ? mode : `container:${donor.id}`;
}

function fillPaths(given: HostConfig): Pick<HostConfig, "MaskedPaths" | "ReadonlyPaths"> {
  if (given.Privileged) return { MaskedPaths: null, ReadonlyPaths: null };
  return {
    MaskedPaths: given.MaskedPaths ?? defaultMaskedPaths,
    ReadonlyPaths: given.ReadonlyPaths ?? defaultReadonlyPaths,
  };
}

function fillConfig(
  deps: CreateDeps,
  merged: ContainerConfig,
  hostConfig: HostConfig,
  id: string,
): ContainerConfig {
  if (merged.Hostname !== "") return merged;
  const sharesHost = hostConfig.NetworkMode === "host" || hostConfig.UTSMode === "host";
  return { ...merged, Hostname: sharesHost ? deps.host.hostname : id.slice(0, 12) };
}
