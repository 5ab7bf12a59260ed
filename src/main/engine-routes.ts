// The API's routes over Docker's objects.

import { join } from "node:path";
import type { Route } from "#api/router.ts";
import { absentRoutes } from "#api/routes/absent.ts";
import { attachWebSocketRoutes } from "#api/routes/attach-websocket.ts";
import { checkpointRoutes } from "#api/routes/checkpoints.ts";
import { containerStreamRoutes } from "#api/routes/container-streams.ts";
import { containerRoutes } from "#api/routes/containers.ts";
import { execRoutes } from "#api/routes/exec.ts";
import { fileRoutes } from "#api/routes/files.ts";
import { imageRoutes } from "#api/routes/images.ts";
import { networkRoutes } from "#api/routes/networks.ts";
import { registryRoutes } from "#api/routes/registry.ts";
import { type SystemRouteDeps, systemRoutes } from "#api/routes/system.ts";
import { volumeCopyRoutes } from "#api/routes/volume-copies.ts";
import { volumeRoutes } from "#api/routes/volumes.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import { countStates } from "#engine/containers/count-states.ts";
import { decodeCreateRequest } from "#engine/containers/create-request.ts";
import { explainContainer } from "#engine/containers/explain.ts";
import { listContainers } from "#engine/containers/list.ts";
import { pauseUsers } from "#engine/containers/pause-users.ts";
import { Filters } from "#engine/filters.ts";
import { measureImages } from "#engine/images/usage.ts";
import { PruneTurn } from "#engine/pruning.ts";
import { DiskUsage } from "#engine/system/disk-usage.ts";
import type { InfoCounts } from "#engine/system/info.ts";
import { checkStore } from "#engine/system/store-check.ts";
import { VolumePruner } from "#engine/volumes/prune.ts";
import { measureVolumes } from "#engine/volumes/usage.ts";
import { newestMinor } from "#spec/engine-api/versions.ts";
import type { LiveSettings } from "./daemon/live-settings.ts";
import { currentRelease } from "./daemon/release.ts";
import type { Layers } from "./engine-layers.ts";
import type { Objects } from "./engine-objects.ts";

export interface RoutesOptions {
  readonly live: LiveSettings;
  readonly layers: Layers;
  readonly objects: Objects;
}

/** `signal`: the daemon's own. */
export function engineRoutes(options: RoutesOptions, signal: AbortSignal): readonly Route[] {
  const { events, images, volumes, containers } = options.objects;
  const experimental = (): boolean => options.live.current.experimental;
  return [
    ...systemRoutes(systemDeps(options, signal)),
    ...checkpointRoutes({ ...containers, experimental }), // before the routes whose ids may hold slashes
    ...containerRoutes({ ...containers, experimental }),
    ...containerStreamRoutes(containers),
    ...attachWebSocketRoutes(containers),
    ...fileRoutes({
      ...containers,
      trees: options.layers.trees,
      scratch: options.layers.scratch,
      images: images.deps,
      engineVersion: currentRelease().version,
    }),
    ...execRoutes(containers),
    ...imageRoutes({ images: images.deps, pruner: images.pruner }),
    ...registryRoutes(images.deps),
    ...volumeRoutes({
      volumes,
      volumePruner: new VolumePruner({ volumes, events, sizes: options.objects.sizes }),
    }),
    ...volumeCopyRoutes({
      ...options.layers,
      volumes,
      pauseWriters: (name) => pauseUsers(containers, name),
      report: containers.report,
    }),
    ...networkRoutes({
      ...containers,
      networkPrunes: new PruneTurn(),
      defaultNetworkOptions: options.live.current.networkOptions,
    }),
    ...absentRoutes(),
  ];
}

function systemDeps({ live, layers, objects }: RoutesOptions, signal: AbortSignal): SystemRouteDeps {
  const { events, clock, host, containers } = objects;
  const { containerd } = layers;
  return {
    bus: events,
    events,
    clock,
    containerd,
    snapshots: containerd.snapshots,
    diskUsage: openDiskUsage(objects, containerd, signal),
    engineId: objects.engineId,
    get settings() {
      const { current } = live;
      return {
        ...current,
        userNamespaces: containers.userNamespaces?.remap !== undefined,
        containerdAddress: current.containerd || join(current.execRoot, "containerd.sock"),
      };
    },
    release: currentRelease(),
    machine: objects.machine,
    cpus: host.cpus,
    volumePlugins: () => objects.volumes.pluginNames(),
    networkDrivers: () => layers.networks.list().map(({ driver }) => driver),
    count: () => countObjects(objects),
    checkStore: (repair, asked) => checkStore(containerd.check, repair, asked),
    explain: async (body, { query, version, signal: asked }) => {
      const names = { name: query.get("name") ?? "", platform: query.get("platform") ?? "" };
      const request = decodeCreateRequest(body, names, version.minor);
      return await explainContainer(containers, request, version.minor, asked);
    },
  };
}

async function countObjects({ list, images }: Objects): Promise<InfoCounts> {
  return { ...countStates(list()), images: (await images.deps.catalog.list()).length };
}

/** Milliseconds that `system df` waits for sizes that it knows of before. */
const patience = 500;

function openDiskUsage(
  { images, volumes, containers, sizes }: Objects,
  { rebuildUsage }: Pick<ContainerdServices, "rebuildUsage">,
  signal: AbortSignal,
): DiskUsage {
  const everything = {
    all: true,
    limit: 0,
    size: true,
    filters: new Filters(new Map()),
    minor: newestMinor,
  };
  return new DiskUsage(
    {
      images: () => measureImages(images.deps),
      containers: (stop) =>
        listContainers({ ...containers, sizes: sizes.within(patience) }, everything, stop),
      volumes: () => measureVolumes(volumes, sizes.within(patience)),
      discarded: rebuildUsage,
    },
    signal,
  );
}
