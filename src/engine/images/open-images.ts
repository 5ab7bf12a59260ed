// Puts the image verbs together over a containerd.

import type { Clock } from "#base/clock.ts";
import { Lock } from "#base/lock.ts";
import type { RegistryConfig } from "#containerd/registry/endpoints.ts";
import { readSignaturePolicy } from "#containerd/registry/policy-file.ts";
import { chooseProxies, type ProxySettings } from "#containerd/registry/proxies.ts";
import { ImagePuller } from "#containerd/registry/pull.ts";
import { ImagePusher } from "#containerd/registry/push.ts";
import type { RegistryOptions } from "#containerd/registry/registries.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import type { EventBus } from "#engine/events/events.ts";
import { requirementsFor } from "#spec/signature-policy.ts";
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
  readonly maxUploads: number;
  readonly proxies: ProxySettings;
  /** Waited before a second attempt; twice that before the third. Docker's five seconds by default. */
  readonly retryDelayMs?: number;
  readonly maxDecompressionRatio: number;
  /** Path of the file; "" for none. */
  readonly signaturePolicy: string;
  /** On the disk of the store. */
  readonly dataRoot: string;
  /** "docker/… gantry/…" */
  readonly userAgent: string;
}

/** containerd's namespace for Docker's objects. */
const NAMESPACE = "moby";
const RETRY_MS = 5000;
const UPLOAD_ATTEMPTS = 5;

export interface Images {
  readonly deps: ImageDeps;
  readonly pruner: ImagePruner;
}

export function openImages(options: ImagesOptions): Images {
  const { services, events, clock, users, retryDelayMs: delayMs = RETRY_MS } = options;
  const scope = { namespace: NAMESPACE };
  const { content, images, snapshots, diff, leases } = services;
  const registries: RegistryOptions = {
    registries: options.registries,
    userAgent: options.userAgent,
    proxyFor: chooseProxies(() => options.proxies),
    now: () => Number(clock.now() / 1_000_000n),
  };
  const puller = new ImagePuller(services, {
    ...registries,
    snapshotter: snapshots.name,
    requirementsFor: async (reference) => {
      const { signaturePolicy: path } = options;
      return path === "" ? [] : requirementsFor(await readSignaturePolicy(path), reference);
    },
    get maxDownloads() {
      return options.maxDownloads;
    },
    get retry() {
      return { attempts: options.maxDownloadAttempts, delayMs };
    },
  });
  const pusher = new ImagePusher(content, {
    ...registries,
    get maxUploads() {
      return options.maxUploads;
    },
    retry: { attempts: UPLOAD_ATTEMPTS, delayMs },
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
    pusher,
    registries,
    events,
    clock,
    namesLock: new Lock(),
    users,
    inflation: () => ({ ratio: options.maxDecompressionRatio, path: options.dataRoot }),
    snapshotter: snapshots.name,
  };
  return { deps, pruner: new ImagePruner(deps) };
}
