// Puts the image verbs together over a containerd.

import type { Clock } from "#base/clock.ts";
import { Lock } from "#base/lock.ts";
import type { RegistryConfig } from "#containerd/registry/endpoints.ts";
import { ImagePuller } from "#containerd/registry/pull.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import type { EventBus } from "#engine/events/events.ts";
import { ImageCatalog } from "./catalog.ts";
import type { ImageDeps, ImageUser } from "./image-deps.ts";
import { LayerSizes } from "./layer-sizes.ts";
import { ImagePruner } from "./prune.ts";

/** The registries and the limits may change while the daemon runs: they are read each time. */
export interface ImagesOptions {
  readonly services: Pick<ContainerdServices, "content" | "diff" | "images" | "leases" | "snapshots">;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  /** All containers, now. */
  readonly users: () => readonly ImageUser[];
  readonly registries: RegistryConfig;
  readonly maxDownloads: number;
  readonly maxDownloadAttempts: number;
  /** "docker/… gantry/…" */
  readonly userAgent: string;
}

/** containerd's namespace for Docker's objects, and its name of the snapshotter. */
const NAMESPACE = "moby";
const SNAPSHOTTER = "overlayfs";
/** Docker waits five seconds more before each further attempt. */
const RETRY_MS = 5000;

export interface Images {
  readonly deps: ImageDeps;
  readonly pruner: ImagePruner;
}

export function openImages(options: ImagesOptions): Images {
  const { services, events, clock, users } = options;
  const scope = { namespace: NAMESPACE };
  const { content, images, snapshots, diff, leases } = services;
  const puller = new ImagePuller(services, {
    registries: options.registries,
    userAgent: options.userAgent,
    snapshotter: SNAPSHOTTER,
    get maxDownloads() {
      return options.maxDownloads;
    },
    get retry() {
      return { attempts: options.maxDownloadAttempts, delayMs: RETRY_MS };
    },
    now: () => Number(clock.now() / 1_000_000n),
  });
  const deps: ImageDeps = {
    scope,
    content,
    images,
    snapshots,
    diff,
    leases,
    catalog: new ImageCatalog({ content, images, scope }),
    sizes: new LayerSizes(snapshots, scope),
    puller,
    events,
    clock,
    namesLock: new Lock(),
    users,
    snapshotter: SNAPSHOTTER,
  };
  return { deps, pruner: new ImagePruner(deps) };
}
