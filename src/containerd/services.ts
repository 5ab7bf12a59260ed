// The containerd layer as its users see it: one object, local or proxied.

import type { StoreCheck } from "./check/check.ts";
import type { ContainerRecords } from "./containers/containers.ts";
import type { ContentStore } from "./content/content.ts";
import type { DiffService } from "./diff/diff.ts";
import type { EventExchange } from "./events/events.ts";
import type { ImageStore } from "./images/images.ts";
import type { LeaseService } from "./leases/leases.ts";
import type { Namespaces } from "./namespaces/namespaces.ts";
import type { RebuildUsage } from "./rebuild/rebuilds.ts";
import type { Snapshotter } from "./snapshots/snapshotter.ts";
import type { Tasks } from "./tasks/tasks.ts";

export interface ContainerdServices extends AsyncDisposable {
  readonly content: ContentStore;
  readonly snapshots: Snapshotter;
  readonly images: ImageStore;
  readonly diff: DiffService;
  readonly leases: LeaseService;
  readonly containers: ContainerRecords;
  readonly tasks: Tasks;
  readonly events: EventExchange;
  readonly namespaces: Namespaces;
  readonly check: StoreCheck;
  /** Of blobs that were discarded and can be rebuilt; only of a layer in this process. */
  readonly rebuildUsage?: () => RebuildUsage;
  version(): Promise<{ readonly version: string; readonly revision: string }>;
}
