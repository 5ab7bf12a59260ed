// Docker's objects over the layers: events, images, volumes, containers.

import { join } from "node:path";
import type { Background } from "#base/background.ts";
import { type Clock, openSystemClock } from "#base/clock.ts";
import { openDatabase } from "#base/database.ts";
import { countStates } from "#engine/containers/count-states.ts";
import { type HostFacts, readHostFacts } from "#engine/containers/host-facts.ts";
import type { ContainerImages } from "#engine/containers/plan-container.ts";
import { type Container, containerSchema } from "#engine/containers/store.ts";
import { type ContainersDeps, wireContainers } from "#engine/containers/wiring.ts";
import { MeasuredSizes } from "#engine/disk/directory-sizes.ts";
import { SizeThread } from "#engine/disk/size-thread.ts";
import { EventJournal } from "#engine/events/journal.ts";
import { JournaledEvents } from "#engine/events/journaled.ts";
import { findDescendants } from "#engine/images/descendants.ts";
import { type Images, type ImagesOptions, openImages } from "#engine/images/open-images.ts";
import { resolveImage } from "#engine/images/resolve.ts";
import { forgetUnfinished } from "#engine/images/unfinished.ts";
import { loadEngineId } from "#engine/system/engine-id.ts";
import { type Machine, readMachine } from "#engine/system/machine.ts";
import { Metrics } from "#engine/system/metrics.ts";
import { openVolumes } from "#engine/volumes/open-volumes.ts";
import type { Volumes } from "#engine/volumes/volumes.ts";
import type { Seccomp } from "#spec/oci-runtime.ts";
import { openContainerSettings } from "./container-settings.ts";
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
  readonly volumes: Volumes;
  readonly sizes: MeasuredSizes;
  readonly engineId: string;
  readonly machine: Machine;
  readonly metrics: Metrics;
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
      .filter(({ record }) => record.mounts.some(({ type, name }) => type === "volume" && name === volume))
      .map(({ id }) => id);
  const volumes = undo.use(await openVolumes({ ...layers, events, clock, usersOf }, settings.dataRoot));
  const users = () => list().map(({ id, record, running }) => ({ id, imageId: record.imageId, running }));
  const images = openEngineImages(live, { services: layers.containerd, events, clock, users });
  await forgetUnfinished(images.deps);
  const host = {
    ...readHostFacts(),
    get configuredRuntimes() {
      return Object.keys(live.runtimes);
    },
    ...(settings.cdiDirectories.length > 0 && { cdiDirectories: settings.cdiDirectories }),
    init: { program: settings.initPath || initProgram(), byDefault: settings.init },
  };
  const sizes = new MeasuredSizes(undo.use(new SizeThread(scriptUrl("../engine/disk/size-worker.ts"))));
  const engineId = loadEngineId(settings.dataRoot);
  const machine = readMachine();
  const metrics = new Metrics({
    engineId,
    machine,
    snapshots: layers.containerd.snapshots,
    release: currentRelease(),
    cpus: host.cpus,
    events,
    states: () => countStates(list()),
  });
  const onProbe = (succeeded: boolean): void => metrics.observeHealthCheck(succeeded);
  const parts = { ...layers, ...options, database, volumes, events, clock, host, sizes, onProbe };
  const containers = wireContainers(
    {
      ...parts,
      images: imagesForContainers(images),
    },
    await openContainerSettings(live, layers, signal),
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
    engineId,
    machine,
    metrics,
    list,
    [Symbol.dispose]: () => closing.dispose(),
  };
}

const imagesForContainers = ({ deps }: Images): ContainerImages => ({
  resolve: (reference, platform) => resolveImage(deps, reference, platform),
  descendants: (imageId) => findDescendants(deps.catalog, imageId),
});

/** A reload changes what they read. */
function openEngineImages(
  live: LiveSettings,
  parts: Pick<ImagesOptions, "services" | "events" | "clock" | "users">,
): Images {
  return openImages({
    ...parts,
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
    get maxDecompressionRatio() {
      return live.current.maxDecompressionRatio;
    },
    get signaturePolicy() {
      return live.current.signaturePolicy;
    },
    get dataRoot() {
      return live.current.dataRoot;
    },
    get maxDownloadAttempts() {
      return live.current.maxDownloadAttempts;
    },
    get maxUploads() {
      return live.current.maxConcurrentUploads;
    },
    proxies: live.current.proxies,
    userAgent: `docker/${currentRelease().version} gantry/${currentRelease().version}`,
  });
}
