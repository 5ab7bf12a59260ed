// What the verbs of this folder work with.

import type { Clock } from "#base/clock.ts";
import type { Lock } from "#base/lock.ts";
import type { ContentStore } from "#containerd/content/content.ts";
import type { DiffService } from "#containerd/diff/diff.ts";
import type { InflationLimits } from "#containerd/diff/inflation.ts";
import type { ImageStore } from "#containerd/images/images.ts";
import type { LeaseService } from "#containerd/leases/leases.ts";
import type { ImagePuller } from "#containerd/registry/pull.ts";
import type { ImagePusher } from "#containerd/registry/push.ts";
import type { RegistryOptions } from "#containerd/registry/registries.ts";
import type { Scope } from "#containerd/scope.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { ImageCatalog } from "./catalog.ts";
import type { LayerSizes } from "./layer-sizes.ts";

/** A container as images see it. */
export interface ImageUser {
  readonly id: string;
  /** The image's id. */
  readonly imageId: string;
  readonly running: boolean;
}

export interface ImageDeps {
  readonly scope: Scope;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly diff: DiffService;
  readonly leases: LeaseService;
  readonly catalog: ImageCatalog;
  readonly sizes: LayerSizes;
  readonly puller: ImagePuller;
  readonly pusher: ImagePusher;
  /** How registries are reached, for what is neither a pull nor a push. */
  readonly registries: RegistryOptions;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  /** Held while names change. */
  readonly namesLock: Lock;
  /** All containers, now. */
  readonly users: () => readonly ImageUser[];
  /** What an archive that is loaded may grow to. */
  readonly inflation: () => InflationLimits;
  /** Of the snapshotter, for labels: "overlayfs". */
  readonly snapshotter: string;
}
