// Docker's objects over the layers: events, images, volumes, containers.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Background } from "#base/background.ts";
import { type Clock, openSystemClock } from "#base/clock.ts";
import { openDatabase } from "#base/database.ts";
import { EngineError, prefixed } from "#base/errors.ts";
import { type HostFacts, readHostFacts } from "#engine/containers/host-facts.ts";
import { type Container, containerSchema } from "#engine/containers/store.ts";
import { type ContainersDeps, wireContainers } from "#engine/containers/wiring.ts";
import { MeasuredSizes } from "#engine/disk/directory-sizes.ts";
import { SizeThread } from "#engine/disk/size-thread.ts";
import { EventJournal } from "#engine/events/journal.ts";
import { JournaledEvents } from "#engine/events/journaled.ts";
import { type Images, openImages } from "#engine/images/open-images.ts";
import { resolveImage } from "#engine/images/resolve.ts";
import { validateLogOptions } from "#engine/logs/drivers/drivers.ts";
import { LocalVolumes } from "#engine/volumes/volumes.ts";
import type { DaemonSettings } from "#spec/daemon-settings.ts";
import type { Seccomp } from "#spec/oci-runtime.ts";
import type { LiveSettings } from "./daemon/live-settings.ts";
import { currentRelease } from "./daemon/release.ts";
import type { Layers } from "./engine-layers.ts";
import { initProgram } from "./native-program.ts";
import { scriptUrl } from "./script-url.ts";

export interface ObjectsOptions {
  readonly live: LiveSettings;
  readonly layers: Layers;
  readonly background: Background;
  readonly report: (error: unknown) => void;
  readonly warn: (message: string) => void;
  readonly seccomp: (profile: string, capabilities: readonly string[]) => Seccomp;
}

export interface Objects extends Disposable {
  readonly clock: Clock;
  readonly events: JournaledEvents;
  readonly host: HostFacts;
  readonly images: Images;
  readonly volumes: LocalVolumes;
  readonly sizes: MeasuredSizes;
  readonly containers: ContainersDeps;
  /** Every container, now. */
  readonly list: () => readonly Container[];
}

/** `signal`: the daemon's own. */
export async function openObjects(options: ObjectsOptions, signal: AbortSignal): Promise<Objects> {
  const { live, layers } = options;
  const settings = live.current;
  using undo = new DisposableStack();
  const clock = openSystemClock();
  const events = new JournaledEvents({
    clock,
    journal: undo.use(new EventJournal(join(settings.dataRoot, "events.db"), settings.eventBacklog)),
    report: options.report,
  });
  const database = openDatabase(join(settings.dataRoot, "engine.db"), containerSchema);
  undo.defer(() => database.close());
  const list = (): readonly Container[] => containers.containers.list();
  const usersOf = (volume: string): readonly string[] =>
    list()
      .filter(({ record }) => record.mounts.some(({ name }) => name === volume))
      .map(({ id }) => id);
  const volumes = undo.use(
    await LocalVolumes.open({ executor: layers.executor, events, clock, usersOf }, settings.dataRoot),
  );
  const images = openImages({
    services: layers.containerd,
    events,
    clock,
    users: () => list().map(({ id, record, running }) => ({ id, imageId: record.imageId, running })),
    registries: {
      get insecureRegistries() {
        return live.current.insecureRegistries;
      },
      get mirrors() {
        return live.current.registryMirrors;
      },
      certsDirs: ["/etc/docker/certs.d"],
    },
    get maxDownloads() {
      return live.current.maxConcurrentDownloads;
    },
    get maxDownloadAttempts() {
      return live.current.maxDownloadAttempts;
    },
    userAgent: `docker/${currentRelease().version} gantry/${currentRelease().version}`,
  });
  const host = {
    ...readHostFacts(),
    get configuredRuntimes() {
      return Object.keys(live.runtimes);
    },
    init: { program: settings.initPath || initProgram(), byDefault: settings.init },
  };
  const sizes = new MeasuredSizes(undo.use(new SizeThread(scriptUrl("../engine/disk/size-worker.ts"))));
  const parts = { ...layers, ...options, database, volumes, events, clock, host, sizes };
  const containers = wireContainers(
    {
      ...parts,
      images: { resolve: (reference, platform) => resolveImage(images.deps, reference, platform) },
    },
    containerSettings(settings, layers),
    signal,
  );
  const closing = undo.move();
  return {
    clock,
    events,
    host,
    images,
    volumes,
    sizes,
    containers,
    list,
    [Symbol.dispose]: () => closing.dispose(),
  };
}

function containerSettings(settings: DaemonSettings, { networks }: Layers) {
  const containersDir = join(settings.dataRoot, "containers");
  mkdirSync(containersDir, { recursive: true, mode: 0o710 });
  const bridge = networks.list().find(({ name }) => name === "bridge");
  return {
    containersDir,
    etc: {
      dns: settings.dns,
      dnsSearch: settings.dnsSearch,
      dnsOptions: settings.dnsOptions,
      hostGateway: settings.hostGatewayIps[0] ?? bridge?.gateway ?? "",
    },
    defaultLog: defaultLog(settings.containers),
  };
}

/** The daemon does not start with options that its containers could not. */
function defaultLog({ logDriver, logOptions }: DaemonSettings["containers"]) {
  const driver = logDriver || "json-file";
  try {
    if (Object.keys(logOptions).length > 0 || logDriver !== "") validateLogOptions(driver, logOptions);
  } catch (error) {
    if (error instanceof EngineError) throw prefixed("failed to set log opts: ", error);
    throw error;
  }
  return { driver, options: logOptions };
}
