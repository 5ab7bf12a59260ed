// A pull: resolve -> manifest for the platform -> config -> layers, three at a time -> snapshots, in order while the rest still downloads.
// Pulls that need the same layer at the same time share its download and its unpacking.

import { DecodeError } from "#base/decode.ts";
import { invalid, systemError } from "#base/errors.ts";
import type { Reference } from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import {
  type Descriptor,
  decodeImageConfig,
  type ImageConfig,
  isIndexType,
  type Manifest,
  type Platform,
} from "#spec/oci-image.ts";
import type { ContentStore } from "../content/content.ts";
import type { DiffService } from "../diff/diff.ts";
import type { LeaseService } from "../leases/leases.ts";
import type { Labels, Scope } from "../scope.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import { type DownloadProgress, downloadBlob, hasBlob, type RetryPolicy } from "./download.ts";
import type { RegistryConfig } from "./endpoints.ts";
import { HttpTransport } from "./http-transport.ts";
import { MAX_CONFIG, MAX_MANIFEST, parseManifestDocument } from "./manifest.ts";
import { choosePlatform } from "./platform.ts";
import { PullLease } from "./pull-lease.ts";
import { type Repository, sourceLabel } from "./repository.ts";
import { listTags, type ResolvedReference, resolveReference } from "./resolve.ts";
import { SharedWork } from "./shared-work.ts";
import { Slots } from "./slots.ts";
import { configLabels, indexLabels, manifestLabels, readDocument, storeDocument } from "./store-document.ts";
import { type ChainLayer, chainIds, hasSnapshot, unpackChainLayer } from "./unpack-chain.ts";

export interface PullDeps {
  readonly content: ContentStore;
  readonly snapshots: Snapshotter;
  readonly diff: DiffService;
  readonly leases: LeaseService;
}

export interface PullOptions {
  readonly registries: RegistryConfig;
  readonly userAgent: string;
  readonly snapshotter: string;
  readonly maxDownloads: number;
  readonly retry: RetryPolicy;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface PullRequest {
  readonly namespace: string;
  readonly reference: Reference;
  readonly platform: Platform;
  readonly credentials: Credentials | undefined;
}

export type LayerState =
  | DownloadProgress
  | { readonly kind: "found" | "exists" | "waiting" | "downloaded" | "complete" }
  | { readonly kind: "extracting"; readonly current: number; readonly total: number };

export interface PullObserver {
  /** The registry has the image; before it nothing was changed. */
  readonly onResolved: (target: Descriptor) => void;
  readonly onLayer: (digest: string, state: LayerState) => void;
}

export interface PulledImage {
  /** What the name stands for: an index or a manifest. */
  readonly target: Descriptor;
  /** The manifest for the platform. */
  readonly manifest: Descriptor;
  readonly configDigest: string;
  readonly config: ImageConfig;
  /** The snapshot to make containers from; "" for an image without layers. */
  readonly chainId: string;
}

/** One pull on its way. */
interface Job {
  readonly scope: Scope;
  readonly repository: Repository;
  readonly observer: PullObserver;
  readonly signal: AbortSignal;
}

export class ImagePuller {
  readonly #deps: PullDeps;
  readonly #options: PullOptions;
  readonly #slots: Slots;
  readonly #leases = new Set<string>();
  readonly #downloads = new SharedWork<LayerState, void>();
  readonly #unpacks = new SharedWork<LayerState, void>();

  constructor(deps: PullDeps, options: PullOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#slots = new Slots(options.maxDownloads);
  }

  /** `keep` saves what was pulled under a name while the pull's lease still holds it. */
  async pull(
    request: PullRequest,
    observer: PullObserver,
    keep: (image: PulledImage) => Promise<void>,
    signal: AbortSignal,
  ): Promise<PulledImage> {
    using transport = new HttpTransport(this.#options.userAgent);
    const { registries: config, now } = this.#options;
    const { credentials, reference } = request;
    const resolved = await resolveReference(reference, { config, transport, now, credentials }, signal);
    observer.onResolved(resolved.descriptor);
    await using lease = await PullLease.open(
      { leases: this.#deps.leases, running: this.#leases },
      request,
      now(),
    );
    const job: Job = { scope: lease.scope, repository: resolved.repository, observer, signal };
    try {
      const image = await this.#fetch(job, resolved, request);
      await keep(image);
      await lease.deleteEarlier();
      return image;
    } catch (error) {
      if (signal.aborted) lease.keep();
      throw error;
    }
  }

  /** The tags that the registry has for the reference's repository. */
  async listTags(
    reference: Reference,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    using transport = new HttpTransport(this.#options.userAgent);
    const { registries: config, now } = this.#options;
    return await listTags(reference, { config, transport, now, credentials }, signal);
  }

  /** What the registry has under a name: the document's descriptor and the platforms it is for. Nothing is stored. */
  async describe(
    reference: Reference,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly descriptor: Descriptor; readonly platforms: readonly Platform[] }> {
    using transport = new HttpTransport(this.#options.userAgent);
    const { registries: config, now } = this.#options;
    const options = { config, transport, now, credentials };
    const { repository, descriptor } = await resolveReference(reference, options, signal);
    const { bytes } = await repository.getManifest(descriptor.digest, signal);
    const document = parseManifestDocument(bytes, descriptor.mediaType);
    if (document.kind === "index") {
      const platforms = document.index.manifests.map(({ platform }) => platform);
      return { descriptor, platforms: platforms.filter((platform) => platform !== undefined) };
    }
    const imageConfig = decodeConfig(await repository.getDocument(document.manifest.config.digest, signal));
    const { os = "linux", architecture = "", variant } = imageConfig;
    return { descriptor, platforms: [{ os, architecture, ...(variant === undefined ? {} : { variant }) }] };
  }

  async #fetch(job: Job, resolved: ResolvedReference, request: PullRequest): Promise<PulledImage> {
    const top = await this.#document(job, resolved.descriptor, resolved.bytes);
    const chosen = await this.#choose(job, top, request);
    const { descriptor, manifest, bytes } = chosen;
    await this.#store(job, { descriptor, bytes }, manifestLabels(manifest));
    const known = await hasBlob(this.#deps.content, job.scope, manifest.config.digest);
    const config = await this.#config(job, manifest);
    await this.#layers(job, planLayers(manifest, config), known);
    const chainId = chainIds(config.rootfs.diff_ids).at(-1) ?? "";
    return {
      target: top.descriptor,
      manifest: descriptor,
      configDigest: manifest.config.digest,
      config,
      chainId,
    };
  }

  /** The manifest itself, or the index's best one for the platform. */
  async #choose(
    job: Job,
    top: { readonly descriptor: Descriptor; readonly bytes: Buffer },
    request: PullRequest,
  ): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer; readonly manifest: Manifest }> {
    let { descriptor, bytes } = top;
    for (let depth = 0; depth < 3; depth++) {
      const document = parseManifestDocument(bytes, descriptor.mediaType);
      if (document.kind === "manifest") return { descriptor, bytes, manifest: document.manifest };
      await this.#store(job, { descriptor, bytes }, indexLabels(document.index));
      ({ descriptor, bytes } = await this.#document(
        job,
        choosePlatform(document.index.manifests, request.platform),
      ));
    }
    throw invalid("invalid manifest: indexes are nested too deep");
  }

  async #document(
    job: Job,
    descriptor: Descriptor,
    bytes?: Buffer,
  ): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer }> {
    if (bytes !== undefined) return { descriptor, bytes };
    const { content } = this.#deps;
    if (await hasBlob(content, job.scope, descriptor.digest))
      return { descriptor, bytes: await readDocument(content, job.scope, descriptor.digest, MAX_MANIFEST) };
    const got = await job.repository.getManifest(descriptor.digest, job.signal);
    // The registry's word for the type is as good as the index's; they must not differ between kinds.
    if (isIndexType(got.descriptor.mediaType) !== isIndexType(descriptor.mediaType))
      throw invalid(`unexpected media type ${got.descriptor.mediaType} for ${descriptor.digest}`);
    return { descriptor: { ...descriptor, size: got.bytes.length }, bytes: got.bytes };
  }

  async #config(job: Job, manifest: Manifest): Promise<ImageConfig> {
    const { content } = this.#deps;
    const { config: descriptor } = manifest;
    await this.#download(job, descriptor, "config", () => undefined);
    const bytes = await readDocument(content, job.scope, descriptor.digest, MAX_CONFIG);
    const config = decodeConfig(bytes);
    if (config.rootfs.diff_ids.length !== manifest.layers.length)
      throw systemError("layers from manifest don't match image configuration");
    await this.#store(job, { descriptor, bytes }, configLabels(config, this.#options.snapshotter));
    return config;
  }

  /** `known`: the image was here before; nothing is told of layers that are all here as well. */
  async #layers(job: Job, layers: readonly ChainLayer[], known: boolean): Promise<void> {
    const states = await Promise.all(layers.map((layer) => this.#inspect(job, layer)));
    if (known && states.every(({ unpacked, stored }) => unpacked && stored)) return;
    for (const { layer, unpacked, stored } of states)
      job.observer.onLayer(layer.descriptor.digest, { kind: unpacked && stored ? "exists" : "found" });
    // The first failure ends the rest.
    const failed = new AbortController();
    const inner: Job = { ...job, signal: AbortSignal.any([job.signal, failed.signal]) };
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
        if (!unpacked || !stored) job.observer.onLayer(layer.descriptor.digest, { kind: "complete" });
      }
    } catch (error) {
      failed.abort(error);
      await settled;
      throw failed.signal.reason;
    }
  }

  async #inspect(
    { scope }: Job,
    layer: ChainLayer,
  ): Promise<{ readonly layer: ChainLayer; readonly unpacked: boolean; readonly stored: boolean }> {
    const { snapshots, content } = this.#deps;
    await this.#hold(scope, `snapshots/${this.#options.snapshotter}`, layer.chainId);
    await this.#hold(scope, "content", layer.descriptor.digest);
    const [unpacked, stored] = await Promise.all([
      hasSnapshot(snapshots, scope, layer.chainId),
      hasBlob(content, scope, layer.descriptor.digest),
    ]);
    return { layer, unpacked, stored };
  }

  async #store(
    { scope }: Job,
    document: { readonly descriptor: Descriptor; readonly bytes: Buffer },
    labels: Labels,
  ): Promise<void> {
    await this.#hold(scope, "content", document.descriptor.digest);
    await storeDocument(this.#deps.content, scope, document, labels);
  }

  /** Before looking whether it is there: what is, must not be collected before the image that needs it is saved. */
  async #hold(scope: Scope, type: string, id: string): Promise<void> {
    if (scope.lease !== undefined) await this.#deps.leases.addResource(scope, scope.lease, { id, type });
  }

  async #layer(job: Job, descriptor: Descriptor): Promise<void> {
    const report = (state: LayerState): void => job.observer.onLayer(descriptor.digest, state);
    await this.#download(job, descriptor, "layer", report);
    report({ kind: "downloaded" });
  }

  async #download(
    job: Job,
    descriptor: Descriptor,
    what: "config" | "layer",
    report: (state: LayerState) => void,
  ): Promise<void> {
    const { content } = this.#deps;
    const { scope, repository, signal } = job;
    const wanted = {
      scope,
      descriptor,
      ref: `${what}-${descriptor.digest}`,
      labels: sourceLabel(repository),
    };
    const work = async (onProgress: (state: LayerState) => void, own: AbortSignal): Promise<void> => {
      if (this.#slots.full) onProgress({ kind: "waiting" });
      using _slot = await this.#slots.acquire(own);
      await downloadBlob({ content, repository, retry: this.#options.retry }, wanted, onProgress, own);
    };
    const key = `${scope.namespace}/${descriptor.digest}`;
    await this.#hold(scope, "content", descriptor.digest);
    await this.#downloads.run(key, work, { onProgress: report, signal });
  }

  async #unpack(job: Job, layer: ChainLayer): Promise<void> {
    const { scope, observer, signal } = job;
    const { digest, size } = layer.descriptor;
    const work = async (report: (state: LayerState) => void, own: AbortSignal): Promise<void> => {
      if (await hasSnapshot(this.#deps.snapshots, scope, layer.chainId)) return;
      const onProgress = (current: number): void => report({ kind: "extracting", current, total: size });
      onProgress(0);
      await unpackChainLayer(this.#deps, scope, layer, { onProgress, signal: own });
      onProgress(size);
    };
    const key = `${scope.namespace}/${layer.chainId}`;
    await this.#unpacks.run(key, work, { onProgress: (state) => observer.onLayer(digest, state), signal });
  }
}

function planLayers(manifest: Manifest, config: ImageConfig): readonly ChainLayer[] {
  const diffIds = config.rootfs.diff_ids;
  const chain = chainIds(diffIds);
  return manifest.layers.map((descriptor, index) => ({
    descriptor,
    diffId: diffIds[index] ?? "",
    chainId: chain[index] ?? "",
    parent: chain[index - 1] ?? "",
  }));
}

export function decodeConfig(bytes: Uint8Array): ImageConfig {
  try {
    return decodeImageConfig(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), "");
  } catch (error) {
    const why = error instanceof DecodeError ? error.message : "not a JSON document";
    throw invalid(`invalid image config: ${why}`, { cause: error });
  }
}
