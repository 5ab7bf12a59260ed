// What a create request comes to: settings checked and completed, the image found, the mounts decided. Nothing is made.

import { randomBytes } from "node:crypto";
import { invalid } from "#base/errors.ts";
import type { NetworkController } from "#network/controller.ts";
import type { ContainerConfig, EndpointConfigs, HostConfig } from "#spec/container-config.ts";
import type { SecretFile } from "#spec/engine-api/secrets.ts";
import { mergeLogOptions } from "../logs/drivers/drivers.ts";
import type { CreateRequest } from "./create-request.ts";
import { applyDefaults, type ContainerDefaults } from "./defaults.ts";
import { discardLimits } from "./discard-limits.ts";
import { initialNetworks, validateEndpoints } from "./endpoint-settings.ts";
import type { HostFacts } from "./host-facts.ts";
import { checkUserNamespace, type UserNamespaces } from "./id-maps.ts";
import { resolveLinks } from "./links.ts";
import { logPathOf } from "./log-config.ts";
import { commandOf, type ImageSettings, mergeImageConfig } from "./merge-image-config.ts";
import type { MountSpec } from "./mount-spec.ts";
import { planMounts } from "./mounts.ts";
import { containerOf } from "./namespace-modes.ts";
import { defaultMaskedPaths, defaultReadonlyPaths, defaultShmSize } from "./oci-defaults.table.ts";
import type { ContainerRecord, Link } from "./record.ts";
import { refuseUnsupported } from "./refuse-unsupported.ts";
import { defaultRuntime } from "./runtimes.ts";
import { refuseTakenTargets } from "./secrets/kept-secrets.ts";
import type { ContainerStore } from "./store.ts";
import { validateContainer } from "./validate.ts";

/** An image as a container sees it. */
interface ContainerImage {
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
  /** Ids of the images that were made from an image, with its own. */
  descendants(imageId: string): Promise<ReadonlySet<string>>;
}

export interface PlanContainerDeps {
  /** The daemon's own files. */
  readonly dataRoot: string;
  readonly containers: Pick<ContainerStore, "find" | "get">;
  readonly images: ContainerImages;
  readonly networks: Pick<NetworkController, "find">;
  readonly host: HostFacts;
  /** The daemon's own for containers, now. */
  readonly defaults?: () => ContainerDefaults;
  readonly userNamespaces?: UserNamespaces | undefined;
  /** The daemon's --log-driver and --log-opt. */
  readonly defaultLog: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
}

export interface ContainerPlan {
  readonly id: string;
  readonly image: ContainerImage;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly mounts: readonly MountSpec[];
  readonly links: readonly Link[];
  readonly networks: EndpointConfigs;
  readonly secrets: readonly SecretFile[];
  /** Of limits that were discarded. */
  readonly warnings: readonly string[];
}

export async function planContainer(
  deps: PlanContainerDeps,
  request: CreateRequest,
  minor: number,
  signal: AbortSignal,
): Promise<ContainerPlan> {
  const id = randomBytes(32).toString("hex");
  const { limits: given, warnings } = discardLimits(request.hostConfig, deps.host, minor);
  const hostConfig = fillHostConfig(
    deps,
    deps.defaults === undefined ? given : applyDefaults(given, deps.defaults()),
  );
  refuseUnsupported(request.config, hostConfig, request.endpoints);
  validateContainer(request.config, hostConfig, deps.host);
  checkUserNamespace(hostConfig, deps.userNamespaces);
  validateEndpoints(deps.networks, request.hostConfig, request.endpoints);
  const image = await deps.images.resolve(request.config.Image, request.platform, signal);
  for (const mode of [hostConfig.IpcMode, hostConfig.PidMode]) {
    const donor = containerOf(mode);
    if (donor !== undefined && deps.containers.find(donor) === undefined)
      throw invalid(`No such container: ${donor}`); // not 404: the client would pull the image
  }
  const config = fillConfig(deps, mergeImageConfig(request.config, image.config), hostConfig, id);
  const mounts = planMounts(config, hostConfig, minor, deps);
  const secrets = request.secrets.map(({ data: _kept, ...file }) => file);
  refuseTakenTargets(secrets, mounts);
  const links = resolveLinks(deps.containers, hostConfig);
  const networks = initialNetworks(deps.networks, hostConfig, request.endpoints);
  const settled = { ...hostConfig, Links: null };
  return { id, image, config, hostConfig: settled, mounts, links, networks, secrets, warnings };
}

/** Beside the plan: what is known when the container is made. */
type RecordFacts = Pick<ContainerRecord, "name" | "createdAt" | "networks" | "mounts" | "idMaps">;

export function recordOf(plan: ContainerPlan, facts: RecordFacts, containersDir: string): ContainerRecord {
  const { id, image, config, hostConfig, links, secrets } = plan;
  return {
    id,
    imageId: image.id,
    chainId: image.chainId,
    imageName: image.name,
    ...commandOf(config),
    config,
    hostConfig,
    logPath: logPathOf(containersDir, id, hostConfig.LogConfig.Type),
    ...(links.length > 0 && { links }),
    ...(secrets.length > 0 && { secrets }),
    ...facts,
  };
}

/** Docker's defaults for what the client left open. */
function fillHostConfig(deps: PlanContainerDeps, given: HostConfig): HostConfig {
  const v1 = deps.host.cgroupVersion === 1;
  const { Type: driver, Config: options } = given.LogConfig;
  const log = mergeLogOptions({ driver, options: options ?? {} }, deps.defaultLog);
  return {
    ...given,
    NetworkMode: nameDonor(deps, given.NetworkMode),
    PidMode: nameDonor(deps, given.PidMode),
    IpcMode: nameDonor(deps, given.IpcMode) || "private",
    CgroupnsMode: given.CgroupnsMode || (v1 ? "host" : "private"),
    ShmSize: given.ShmSize === 0 ? defaultShmSize : given.ShmSize,
    Runtime: given.Runtime || defaultRuntime,
    RestartPolicy: { ...given.RestartPolicy, Name: given.RestartPolicy.Name || "no" },
    LogConfig: { Type: log.driver, Config: log.options },
    MemorySwap: given.Memory > 0 && given.MemorySwap === 0 ? given.Memory * 2 : given.MemorySwap,
    OomKillDisable: v1 ? (given.OomKillDisable ?? false) : null,
    ...fillPaths(given, deps.host),
  };
}

/** "container:web" by the id of the container, which stays when it is renamed. An unknown one is told at the start. */
function nameDonor(deps: PlanContainerDeps, mode: string): string {
  const donor = deps.containers.find(containerOf(mode) ?? "");
  return donor === undefined ? mode : `container:${donor.id}`;
}

function fillPaths(given: HostConfig, host: HostFacts): Pick<HostConfig, "MaskedPaths" | "ReadonlyPaths"> {
  if (given.Privileged) return { MaskedPaths: null, ReadonlyPaths: null };
  return {
    MaskedPaths: given.MaskedPaths ?? [...defaultMaskedPaths, ...host.thermalPaths],
    ReadonlyPaths: given.ReadonlyPaths ?? defaultReadonlyPaths,
  };
}

function fillConfig(
  deps: PlanContainerDeps,
  merged: ContainerConfig,
  hostConfig: HostConfig,
  id: string,
): ContainerConfig {
  if (merged.Hostname !== "") return merged;
  // Not for --uts host: what the program sees is the host's name, the record says the container's.
  const named = hostConfig.NetworkMode === "host" ? deps.host.hostname : id.slice(0, 12);
  return { ...merged, Hostname: named };
}
