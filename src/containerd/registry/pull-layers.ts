// Layers of a pull: downloads, some at a time, and snapshots, in order while the rest still downloads.
// Pulls that need the same layer at the same time share its download and its unpacking.

import { Slots } from "#base/slots.ts";
import type { Descriptor, ImageConfig, Manifest } from "#spec/oci-image.ts";
import type { ContentStore } from "../content/content.ts";
import type { DiffService } from "../diff/diff.ts";
import type { LeaseService } from "../leases/leases.ts";
import type { Scope } from "../scope.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import { type DownloadProgress, downloadBlob, hasBlob } from "./download.ts";
import type { RepositoryChain } from "./repository-chain.ts";
import type { RetryPolicy } from "./retry.ts";
import type { SharedHold } from "./shared-hold.ts";
import { SharedWork } from "./shared-work.ts";
import { withSource } from "./sources.ts";
import { type ChainLayer, chainIds, hasSnapshot, unpackChainLayer } from "./unpack-chain.ts";

export interface LayerPullerDeps {
  readonly content: ContentStore;
  readonly snapshots: Snapshotter;
  readonly diff: DiffService;
  readonly leases: LeaseService;
}

export interface LayerPullerOptions {
  readonly snapshotter: string;
  readonly maxDownloads: number;
  readonly retry: RetryPolicy;
}

export type LayerState =
  | DownloadProgress
  | { readonly kind: "found" | "exists" | "waiting" | "downloaded" | "complete" }
  | { readonly kind: "extracting"; readonly current: number; readonly total: number };

/** One pull on its way. */
export interface PullJob {
  readonly scope: Scope;
  readonly repository: RepositoryChain;
  /** The scope's lease and the repository's connections: work that others may join shares it. */
  readonly hold: Pick<SharedHold, "share">;
  readonly onLayer: (digest: string, state: LayerState) => void;
  readonly signal: AbortSignal;
}

export class LayerPuller {
  readonly #deps: LayerPullerDeps;
  readonly #options: LayerPullerOptions;
  readonly #slots: Slots;
  readonly #downloads = new SharedWork<LayerState, void>();
  readonly #unpacks = new SharedWork<LayerState, void>();

  constructor(deps: LayerPullerDeps, options: LayerPullerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#slots = new Slots(() => options.maxDownloads);
  }

  /** `known`: the image was here before; nothing is told of layers that are all here as well. */
  async pullAll(job: PullJob, layers: readonly ChainLayer[], known: boolean): Promise<void> {
    const states = await Promise.all(layers.map((layer) => this.#inspect(job, layer)));
    if (known && states.every(({ unpacked, stored }) => unpacked && stored)) return;
    for (const { layer, unpacked, stored } of states)
      job.onLayer(layer.descriptor.digest, { kind: unpacked && stored ? "exists" : "found" });
    // The first failure ends the rest.
    const failed = new AbortController();
    const inner: PullJob = { ...job, signal: AbortSignal.any([job.signal, failed.signal]) };
    const downloads = states.map(({ layer, stored }) =>
      stored ? undefined : this.#layer(inner, layer.descriptor),
    );
    const all = downloads.map((download) =>
      download?.catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
    const settled = Promise.allSettled(all);
    try {
      for (const [index, { layer, unpacked, stored }] of states.entries()) {
        await all[index];
        if (!unpacked) await this.#unpack(inner, layer);
        if (!unpacked || !stored) job.onLayer(layer.descriptor.digest, { kind: "complete" });
      }
    } catch (error) {
      failed.abort(error);
      await settled;
      throw failed.signal.reason;
    }
  }

  async #inspect(
    { scope }: PullJob,
    layer: ChainLayer,
  ): Promise<{ readonly layer: ChainLayer; readonly unpacked: boolean; readonly stored: boolean }> {
    const { snapshots, content } = this.#deps;
    await this.hold(scope, `snapshots/${this.#options.snapshotter}`, layer.chainId);
    await this.hold(scope, "content", layer.descriptor.digest);
    const [unpacked, stored] = await Promise.all([
      hasSnapshot(snapshots, scope, layer.chainId),
      hasBlob(content, scope, layer.descriptor.digest),
    ]);
    return { layer, unpacked, stored };
  }

  /** Before looking whether it is there: what is, must not be collected before the image that needs it is saved. */
  async hold(scope: Scope, type: string, id: string): Promise<void> {
    if (scope.lease !== undefined) await this.#deps.leases.addResource(scope, scope.lease, { id, type });
  }

  async #layer(job: PullJob, descriptor: Descriptor): Promise<void> {
    const report = (state: LayerState): void => job.onLayer(descriptor.digest, state);
    await this.download(job, descriptor, "layer", report);
    report({ kind: "downloaded" });
  }

  /** One blob into the content store. */
  async download(
    job: PullJob,
    descriptor: Descriptor,
    what: "config" | "layer",
    report: (state: LayerState) => void,
  ): Promise<void> {
    const { content } = this.#deps;
    const { scope, repository, hold, signal } = job;
    const wanted = {
      scope,
      descriptor,
      ref: `${what}-${descriptor.digest}`,
      labels: withSource({}, repository.reference),
    };
    const work = async (onProgress: (state: LayerState) => void, own: AbortSignal): Promise<void> => {
      await using _hold = hold.share();
      if (this.#slots.full) onProgress({ kind: "waiting" });
      using _slot = await this.#slots.acquire(own);
      await downloadBlob({ content, repository, retry: this.#options.retry }, wanted, onProgress, own);
    };
    const key = `${scope.namespace}/${descriptor.digest}`;
    await this.hold(scope, "content", descriptor.digest);
    await this.#downloads.run(key, work, { onProgress: report, signal });
  }

  async #unpack(job: PullJob, layer: ChainLayer): Promise<void> {
    const { scope, hold, onLayer, signal } = job;
    const { digest, size } = layer.descriptor;
    const work = async (report: (state: LayerState) => void, own: AbortSignal): Promise<void> => {
      await using _hold = hold.share();
      if (await hasSnapshot(this.#deps.snapshots, scope, layer.chainId)) return;
      const onProgress = (current: number): void => report({ kind: "extracting", current, total: size });
      onProgress(0);
      const run = { failing: "failed to register layer: ", onProgress, signal: own };
      await unpackChainLayer(this.#deps, scope, layer, run);
      onProgress(size);
    };
    const key = `${scope.namespace}/${layer.chainId}`;
    await this.#unpacks.run(key, work, { onProgress: (state) => onLayer(digest, state), signal });
  }
}

/** The manifest's layers, bottom first, with the names of the snapshots they become. There are as many as diffIds. */
export function planLayers(manifest: Manifest, config: ImageConfig): readonly ChainLayer[] {
  const diffIds = config.rootfs.diff_ids;
  const chain = chainIds(diffIds);
  return manifest.layers.map((descriptor, index) => ({
    descriptor,
    diffId: diffIds[index] ?? "",
    chainId: chain[index] ?? "",
    parent: chain[index - 1] ?? "",
  }));
}
