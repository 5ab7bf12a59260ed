// The engine's nouns over the layers below them: networks, volumes, images, containers.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Background } from "#base/background.ts";
import { type Clock, openSystemClock } from "#base/clock.ts";
import { openDatabase } from "#base/database.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import { readHostFacts as readContainerFacts } from "#engine/containers/host-facts.ts";
import { type Container, containerSchema } from "#engine/containers/store.ts";
import { type ContainersDeps, wireContainers } from "#engine/containers/wiring.ts";
import { MemoryEvents } from "#engine/events/memory.ts";
import { type Images, openImages } from "#engine/images/open-images.ts";
import { resolveImage } from "#engine/images/resolve.ts";
import { LocalVolumes } from "#engine/volumes/volumes.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { readHostFacts } from "#libcontainer/host-facts.ts";
import type { NetworkController } from "#network/controller.ts";
import { openNetworks } from "#network/open-controller.ts";
import type { DaemonSettings } from "#spec/daemon-config.ts";
import type { Log } from "./daemon/log.ts";
import { currentRelease } from "./daemon/release.ts";
import { resolveSeccomp } from "./resolve-seccomp.ts";

/** What everything stands on. */
export interface Foundation {
  readonly settings: DaemonSettings;
  readonly log: Log;
  /** Aborts when the engine closes. */
  readonly signal: AbortSignal;
  readonly background: Background;
  /** Told of failures that no request waits for. */
  readonly report: (error: unknown) => void;
  readonly undo: AsyncDisposableStack;
}

export interface Layers {
  readonly executor: Executor;
  readonly containerd: ContainerdServices;
}

export interface Nouns {
  readonly clock: Clock;
  readonly events: MemoryEvents;
  readonly networks: NetworkController;
  readonly volumes: LocalVolumes;
  readonly images: Images;
  readonly containers: ContainersDeps;
  /** All containers, now. */
  known(): readonly Container[];
}

async function openBridge({ settings, log, signal, undo }: Foundation, executor: Executor) {
  const { dataRoot, execRoot, bridge, bip, mtu } = settings;
  const options = {
    dataRoot,
    execRoot,
    bridge: bridge === "" ? "docker0" : bridge,
    ...(bip === "" ? {} : { bip }),
    mtu,
    defaultHostIp: "0.0.0.0",
  };
  const warn = (message: string): void => log.warn(message);
  return undo.use(await openNetworks({ executor, warn }, options, signal));
}

/** Networks, volumes, images and containers know each other only by what they ask for. */
export async function openNouns(foundation: Foundation, { executor, containerd }: Layers): Promise<Nouns> {
  const { settings, undo } = foundation;
  const clock = openSystemClock();
  const events = new MemoryEvents(clock);
  const networks = await openBridge(foundation, executor);
  const database = openDatabase(join(settings.dataRoot, "engine.db"), containerSchema);
  undo.defer(() => database.close());
  const known = (): readonly Container[] => containers.containers.list();
  const usersOf = (volume: string): readonly string[] =>
    known()
      .filter(({ record }) => record.mounts.some(({ name }) => name === volume))
      .map(({ id }) => id);
  const volumes = await LocalVolumes.open({ executor, events, clock, usersOf }, settings.dataRoot);
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
  const { background, report, signal } = foundation;
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
    containersSettings(settings, networks),
    signal,
  );
  return { clock, events, networks, volumes, images, containers, known };
}

function containersSettings(settings: DaemonSettings, networks: NetworkController) {
  const containersDir = join(settings.dataRoot, "containers");
  mkdirSync(containersDir, { recursive: true, mode: 0o710 });
  const { dns, dnsSearch, dnsOptions, logOptions } = settings;
  const etc = { dns, dnsSearch, dnsOptions, hostGateway: networks.get("bridge").gateway ?? "" };
  return { containersDir, etc, defaultLogOptions: logOptions };
}
