// dockerd's engine in one object: every layer is built here, once, and knows only what it is given.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { encodeImageSummary } from "#api/image-encoding.ts";
import type { Route } from "#api/router.ts";
import { containerRoutes } from "#api/routes/containers.ts";
import { execRoutes } from "#api/routes/exec.ts";
import { imageRoutes } from "#api/routes/images.ts";
import { networkRoutes } from "#api/routes/networks.ts";
import { systemRoutes } from "#api/routes/system.ts";
import { volumeRoutes } from "#api/routes/volumes.ts";
import { ApiServer } from "#api/server.ts";
import { Background } from "#base/background.ts";
import { openSystemClock } from "#base/clock.ts";
import { openDatabase } from "#base/database.ts";
import { connectContainerd } from "#containerd/proxy.ts";
import { serveContainerd } from "#containerd/server.ts";
import { decodeCreateRequest } from "#engine/containers/create-request.ts";
import { explainContainer } from "#engine/containers/explain.ts";
import { readHostFacts as readContainerFacts } from "#engine/containers/host-facts.ts";
import { listContainers } from "#engine/containers/list.ts";
import { restoreContainers, startByPolicy } from "#engine/containers/restore.ts";
import { stopAllContainers } from "#engine/containers/stop-all.ts";
import { type Container, containerSchema } from "#engine/containers/store.ts";
import { wireContainers } from "#engine/containers/wiring.ts";
import { MemoryEvents } from "#engine/events/memory.ts";
import { Filters } from "#engine/filters.ts";
import { openImages } from "#engine/images/open-images.ts";
import { resolveImage } from "#engine/images/resolve.ts";
import { measureImages } from "#engine/images/usage.ts";
import { DiskUsage } from "#engine/system/disk-usage.ts";
import { loadEngineId } from "#engine/system/engine-id.ts";
import { readMachine } from "#engine/system/machine.ts";
import { VolumePruner } from "#engine/volumes/prune.ts";
import { measureVolumes } from "#engine/volumes/usage.ts";
import { LocalVolumes } from "#engine/volumes/volumes.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { readHostFacts } from "#libcontainer/host-facts.ts";
import { openNetworks } from "#network/open-controller.ts";
import type { DaemonSettings } from "#spec/daemon-config.ts";
import { type Address, HttpServer } from "#transport/http/server.ts";
import { openContainerdLayer } from "./containerd-layer.ts";
import type { Log } from "./daemon/log.ts";
import { currentRelease } from "./daemon/release.ts";
import { explainPlan } from "./explain-plan.ts";
import { nativeProgram } from "./native-program.ts";
import { createNativeShims } from "./native-shims.ts";
import { resolveSeccomp } from "./resolve-seccomp.ts";

export interface Engine extends AsyncDisposable {
  /** Serves the API on one more address; resolves with the port (0 for a unix socket). */
  listen(address: Address): Promise<number>;
  /** Serves containerd's API on <exec root>/containerd.sock, if the layer is in this process. */
  serveContainerd(): Promise<void>;
  stopAccepting(): void;
  /** Within the shutdown timeout; nothing with live-restore. */
  stopContainers(): Promise<void>;
}

interface Foundation {
  readonly settings: DaemonSettings;
  readonly log: Log;
  /** Aborts when the engine closes. */
  readonly signal: AbortSignal;
  readonly background: Background;
  readonly undo: AsyncDisposableStack;
}

const zygoteSocket = ({ execRoot }: DaemonSettings): string => join(execRoot, "zygote.sock");

async function openContainerd(
  { settings, log, undo }: Foundation,
  executor: Parameters<typeof createNativeShims>[0]["executor"],
) {
  if (settings.containerd !== "") return undo.use(connectContainerd(settings.containerd));
  const host = readHostFacts();
  const socketPath = zygoteSocket(settings);
  return undo.use(
    await openContainerdLayer({
      root: join(settings.dataRoot, "containerd"),
      execRoot: settings.execRoot,
      shims: createNativeShims({ executor, socketPath, host, warn: (message) => log.warn(message) }),
      executorSocket: socketPath,
      cgroups: host.cgroups,
      explain: explainPlan(host),
    }),
  );
}

/** What was there before a crash is taken over or cleaned up before this resolves. */
export async function openEngine(settings: DaemonSettings, log: Log): Promise<Engine> {
  await using undo = new AsyncDisposableStack();
  const closing = new AbortController();
  const report = (error: unknown): void => log.error("Background work failed", error);
  const background = new Background(report);
  const foundation = { settings, log, signal: closing.signal, background, undo };
  const executor = undo.use(await startZygote({ binary: nativeProgram(), socket: zygoteSocket(settings) }));
  const containerd = await openContainerd(foundation, executor);
  const clock = openSystemClock();
  const events = new MemoryEvents(clock);
  const networks = undo.use(
    await openNetworks(
      { executor, warn: (message) => log.warn(message) },
      {
        dataRoot: settings.dataRoot,
        execRoot: settings.execRoot,
        bridge: settings.bridge === "" ? "docker0" : settings.bridge,
        ...(settings.bip === "" ? {} : { bip: settings.bip }),
        mtu: settings.mtu,
        defaultHostIp: "0.0.0.0",
      },
      closing.signal,
    ),
  );
  const database = openDatabase(join(settings.dataRoot, "engine.db"), containerSchema);
  undo.defer(() => database.close());
  const known = (): readonly Container[] => containers.containers.list();
  const volumes = await LocalVolumes.open(
    {
      executor,
      events,
      clock,
      usersOf: (volume) =>
        known()
          .filter(({ record }) => record.mounts.some(({ name }) => name === volume))
          .map(({ id }) => id),
    },
    settings.dataRoot,
  );
  const images = openImages({
    services: containerd,
    events,
    clock,
    users: () => known().map(({ id, record, running }) => ({ id, imageId: record.imageId, running })),
    registries: {
      insecureRegistries: settings.insecureRegistries,
      mirrors: settings.registryMirrors,
      certsDirs: ["/etc/docker/certs.d"],
    },
    maxDownloads: 3,
    maxDownloadAttempts: 5,
    userAgent: `docker/${currentRelease().version} gantry/${currentRelease().version}`,
  });
  const containersDir = join(settings.dataRoot, "containers");
  mkdirSync(containersDir, { recursive: true, mode: 0o710 });
  const containers = wireContainers(
    {
      database,
      containerd,
      networks,
      volumes,
      images: { resolve: (reference, platform) => resolveImage(images.deps, reference, platform) },
      executor,
      events,
      clock,
      host: readContainerFacts(),
      seccomp: resolveSeccomp(readHostFacts()),
      background,
      report,
    },
    {
      containersDir,
      etc: {
        dns: settings.dns,
        dnsSearch: settings.dnsSearch,
        dnsOptions: settings.dnsOptions,
        hostGateway: networks.get("bridge").gateway ?? "",
      },
      defaultLogOptions: settings.logOptions,
    },
    closing.signal,
  );
  await restoreContainers(containers);
  background.run(() => startByPolicy(containers, closing.signal));
  const machine = readMachine();
  const diskUsage = new DiskUsage(
    {
      images: async () => {
        const { images: measured, layersSize } = await measureImages(images.deps);
        return {
          images: measured.map((one) => encodeImageSummary({ ...one.listed, ...one }, 50)),
          layersSize,
        };
      },
      containers: (signal) =>
        listContainers(
          containers,
          { all: true, limit: 0, size: true, filters: new Filters(new Map()), minor: 50 },
          signal,
        ),
      volumes: (signal) => measureVolumes(volumes, signal),
    },
    closing.signal,
  );
  const routes: readonly Route[] = [
    ...systemRoutes({
      bus: events,
      diskUsage,
      engineId: loadEngineId(settings.dataRoot),
      settings: { ...settings, containerdAddress: join(settings.execRoot, "containerd.sock") },
      release: currentRelease(),
      machine,
      cpus: readContainerFacts().cpus,
      clock,
      events,
      containerd,
      count: async () => ({
        running: known().filter(({ state }) => state.status === "running").length,
        paused: known().filter(({ state }) => state.status === "paused").length,
        stopped: known().filter(({ running }) => !running).length,
        images: (await containerd.images.list({ namespace: "moby" }, [])).length,
      }),
      explain: async (body, { query, version, signal }) => {
        const asked = { name: query.get("name") ?? "", platform: query.get("platform") ?? "" };
        const request = decodeCreateRequest(body, asked, version.minor);
        return await explainContainer(containers, request, version.minor, signal);
      },
    }),
    ...containerRoutes(containers),
    ...execRoutes(containers),
    ...imageRoutes({ images: images.deps, pruner: images.pruner }),
    ...volumeRoutes({ volumes, volumePruner: new VolumePruner({ volumes, events }) }),
    ...networkRoutes({ networks, containers: containers.containers, events }),
  ];
  const api = new ApiServer({ routes, version: currentRelease().version, log });
  const server = undo.use(new HttpServer((exchange) => api.serve(exchange)));
  undo.defer(async () => {
    closing.abort();
    await background.drain();
  });
  const cleanup = undo.move();
  return {
    listen: (address) => server.listen(address),
    serveContainerd: async () => {
      if (settings.containerd === "")
        cleanup.use(await serveContainerd(containerd, join(settings.execRoot, "containerd.sock")));
    },
    stopAccepting: () => server.stopAccepting(),
    stopContainers: async () => {
      if (settings.liveRestore) return;
      await stopAllContainers(containers, AbortSignal.timeout(settings.shutdownTimeout * 1000));
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}
