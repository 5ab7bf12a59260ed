// A push: layers, some at a time, each compressed first if it is not; then the configuration, the manifest, and the index if there is one.

import { EngineError } from "#base/errors.ts";
import { Slots } from "#base/slots.ts";
import { digestOf } from "#formats/digest.ts";
import { familiarReference, type Reference } from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import {
  type Descriptor,
  isForeignLayerType,
  isPlainLayerType,
  type Manifest,
  type Platform,
} from "#spec/oci-image.ts";
import type { ContentStore } from "../content/content.ts";
import type { Scope } from "../scope.ts";
import { compressLayer, describeCompressed, hasPlainLayers } from "./compress-layer.ts";
import type { RegistryConnection } from "./connection.ts";
import { hasBlob } from "./download.ts";
import { readBody } from "./http-transport.ts";
import { type ManifestToPush, type PushPlan, planPush } from "./push-plan.ts";
import { Registries, type RegistryOptions } from "./registries.ts";
import { registryFailure } from "./registry-failure.ts";
import { withDocumentRetries } from "./resolve.ts";
import type { RetryPolicy } from "./retry.ts";
import { addSource, hasSource, sourcesOf } from "./sources.ts";
import { manifestLabels, storeDocument } from "./store-document.ts";
import { pushScopes, type UploadState, uploadBlob } from "./upload.ts";

export interface ImagePusherOptions extends RegistryOptions {
  readonly maxUploads: number;
  readonly retry: RetryPolicy;
}

export type PushedLayerState = UploadState | { readonly kind: "preparing" | "waiting" };

export interface PushRequest {
  /** Its lease holds what the push makes. */
  readonly scope: Scope;
  readonly target: Descriptor;
  /** With a tag. */
  readonly reference: Reference;
  readonly platform: Platform | undefined;
}

export interface PushObserver {
  readonly onLayer: (diffId: string, state: PushedLayerState) => void;
}

const MAX_ANSWER = 1 << 20;
/** More repositories are not asked for one layer. */
const MAX_MOUNTS = 3;

export class ImagePusher {
  readonly #content: ContentStore;
  readonly #options: ImagePusherOptions;
  readonly #slots: Slots;

  constructor(content: ContentStore, options: ImagePusherOptions) {
    this.#content = content;
    this.#options = options;
    this.#slots = new Slots(() => options.maxUploads);
  }

  /** Finds where the registry answers, and lets `push` send images there. */
  async connect<T>(
    { domain }: Reference,
    credentials: Credentials | undefined,
    push: (session: PushSession) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    using registries = new Registries(this.#options);
    const access = { domain, capability: "push", credentials } as const;
    const connection = await registries.ask(
      access,
      async (opened) => {
        await opened.connection.hello(signal);
        return opened.connection;
      },
      signal,
    );
    const parts = { content: this.#content, slots: this.#slots, retry: this.#options.retry };
    return await push(new PushSession(connection, parts));
  }
}

interface PushParts {
  readonly content: ContentStore;
  readonly slots: Slots;
  readonly retry: RetryPolicy;
}

export class PushSession {
  readonly #connection: RegistryConnection;
  readonly #parts: PushParts;

  constructor(connection: RegistryConnection, parts: PushParts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  /** Resolves with what the tag stands for in the registry now. */
  async push(request: PushRequest, observer: PushObserver, signal: AbortSignal): Promise<Descriptor> {
    const { scope, reference } = request;
    const { content } = this.#parts;
    const plan = await planPush(content, scope, request);
    const pushed: Descriptor[] = [];
    for (const one of plan.manifests)
      pushed.push(await this.#manifest(request, plan, one, { observer, signal }));
    const top = plan.index?.descriptor ?? pushed[0];
    if (top === undefined)
      throw new EngineError("system", `${familiarReference(reference)} has no manifests`);
    if (plan.index !== undefined) await this.#put(reference, plan.index, reference.tag, signal);
    await addSource(content, scope, top.digest, reference);
    return top;
  }

  async #manifest(
    { scope, reference }: PushRequest,
    plan: PushPlan,
    source: ManifestToPush,
    { observer, signal }: { readonly observer: PushObserver; readonly signal: AbortSignal },
  ): Promise<Descriptor> {
    const { content } = this.#parts;
    const { labels } = await content.info(scope, source.descriptor.digest);
    // What came from a registry goes there as it came.
    const compressing = plan.index === undefined && hasPlainLayers(source.manifest) && !hasSource(labels);
    const layers = await this.#layers({ scope, reference, source, compressing }, { observer, signal });
    const own = compressing
      ? await this.#store(scope, source.manifest, layers)
      : { descriptor: source.descriptor, bytes: source.bytes };
    await this.#blob({ scope, reference, descriptor: source.manifest.config }, () => undefined, signal);
    await this.#put(reference, own, plan.index === undefined ? reference.tag : undefined, signal);
    for (const { digest } of [own.descriptor, source.manifest.config, ...layers])
      await addSource(content, scope, digest, reference);
    return own.descriptor;
  }

  /** The compressed image becomes content like any other. */
  async #store(
    scope: Scope,
    manifest: Manifest,
    layers: readonly Descriptor[],
  ): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer }> {
    const { mediaType, bytes } = describeCompressed(manifest, layers);
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    const labels = manifestLabels({ ...manifest, layers });
    await storeDocument(this.#parts.content, scope, { descriptor, bytes }, labels);
    return { descriptor, bytes };
  }

  /** All layers, the topmost first, as Docker tells of them; those of the manifest in its order are returned. */
  async #layers(
    job: LayersJob,
    { observer, signal }: { readonly observer: PushObserver; readonly signal: AbortSignal },
  ): Promise<readonly Descriptor[]> {
    const { manifest, config } = job.source;
    const distinct = new Map<string, Descriptor>();
    for (const [index, layer] of [...manifest.layers.entries()].reverse())
      distinct.set(config.rootfs.diff_ids[index] ?? layer.digest, layer);
    for (const diffId of distinct.keys()) observer.onLayer(diffId, { kind: "preparing" });
    const failed = new AbortController();
    const inner = AbortSignal.any([signal, failed.signal]);
    const pushed = new Map<string, Descriptor>();
    const running = [...distinct].map(async ([diffId, layer]) => {
      const report = (state: PushedLayerState): void => observer.onLayer(diffId, state);
      try {
        pushed.set(diffId, await this.#layer(job, { layer, diffId }, report, inner));
      } catch (error) {
        failed.abort(error);
      }
    });
    await Promise.all(running);
    failed.signal.throwIfAborted();
    return manifest.layers.map(
      (layer, index) => pushed.get(config.rootfs.diff_ids[index] ?? layer.digest) ?? layer,
    );
  }

  async #layer(
    { scope, reference, compressing }: LayersJob,
    { layer, diffId }: { readonly layer: Descriptor; readonly diffId: string },
    report: (state: PushedLayerState) => void,
    signal: AbortSignal,
  ): Promise<Descriptor> {
    const { content, slots } = this.#parts;
    if (isForeignLayerType(layer.mediaType) && !(await hasBlob(content, scope, layer.digest))) return layer;
    if (slots.full) report({ kind: "waiting" });
    using _slot = await slots.acquire(signal);
    if (!compressing || !isPlainLayerType(layer.mediaType)) {
      await this.#blob({ scope, reference, descriptor: layer }, report, signal);
      return layer;
    }
    // The bar is that of the layer's own bytes, and full when all are compressed.
    const onRead = (current: number): void => report({ kind: "pushing", current, total: layer.size });
    const descriptor = await compressLayer({ content }, scope, { layer, diffId }, { onRead, signal });
    const withoutBar = (state: UploadState): void => {
      if (state.kind !== "pushing") report(state);
    };
    await this.#blob({ scope, reference, descriptor }, withoutBar, signal);
    return descriptor;
  }

  async #blob(
    { scope, reference, descriptor }: BlobJob,
    report: (state: UploadState) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { content, retry } = this.#parts;
    const { labels } = await content.info(scope, descriptor.digest);
    const mountFrom = sourcesOf(labels, reference)
      .filter((path) => path !== reference.path)
      .reverse()
      .slice(0, MAX_MOUNTS);
    const deps = { content, connection: this.#connection, retry };
    await uploadBlob(deps, { scope, descriptor, repository: reference.path, mountFrom }, report, signal);
    await addSource(content, scope, descriptor.digest, reference);
  }

  async #put(
    { path }: Reference,
    { descriptor, bytes }: { readonly descriptor: Descriptor; readonly bytes: Buffer },
    tag: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const at = `${path}/manifests/${tag ?? descriptor.digest}`;
    const headers = { "Content-Type": descriptor.mediaType };
    await withDocumentRetries(async () => {
      const response = await this.#connection.send(
        { method: "PUT", at, headers, scopes: pushScopes(path), body: bytes, bare: true },
        signal,
      );
      if (response.statusCode !== 201) throw await registryFailure(response);
      await readBody(response, MAX_ANSWER);
    }, signal);
  }
}

interface LayersJob {
  readonly scope: Scope;
  readonly reference: Reference;
  readonly source: ManifestToPush;
  readonly compressing: boolean;
}

interface BlobJob {
  readonly scope: Scope;
  readonly reference: Reference;
  readonly descriptor: Descriptor;
}
