// A pull: resolve -> manifest for the platform -> config -> layers, each downloaded and unpacked onto the one below.

import { invalid, systemError } from "#base/errors.ts";
import type { Reference } from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import {
  type Descriptor,
  type ImageConfig,
  isIndexType,
  type Manifest,
  type Platform,
} from "#spec/oci-image.ts";
import { choosePlatform } from "#spec/platform.ts";
import type { Requirement } from "#spec/signature-policy.ts";
import type { Labels } from "../scope.ts";
import { hasBlob } from "./download.ts";
import { decodeConfig } from "./image-config.ts";
import { MAX_CONFIG, MAX_MANIFEST, parseManifestDocument } from "./manifest.ts";
import {
  LayerPuller,
  type LayerPullerDeps,
  type LayerPullerOptions,
  type LayerState,
  type PullJob,
  planLayers,
} from "./pull-layers.ts";
import { PullLease } from "./pull-lease.ts";
import { Registries, type RegistryOptions } from "./registries.ts";
import { listTags, type ResolvedReference, resolveReference, withDocumentRetries } from "./resolve.ts";
import { SharedHold } from "./shared-hold.ts";
import { checkSignatures } from "./signatures.ts";
import { addSource } from "./sources.ts";
import { configLabels, indexLabels, manifestLabels, readDocument, storeDocument } from "./store-document.ts";
import { chainIds } from "./unpack-chain.ts";

export interface PullOptions extends LayerPullerOptions, RegistryOptions {
  /** Of the daemon's policy, for an image of that name. */
  readonly requirementsFor: (reference: Reference) => Promise<readonly Requirement[]>;
}

export interface PullRequest {
  readonly namespace: string;
  readonly reference: Reference;
  readonly platform: Platform;
  readonly credentials: Credentials | undefined;
  /** What this pull demands beyond the policy. */
  readonly requirements: readonly Requirement[];
}

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

export class ImagePuller {
  readonly #deps: LayerPullerDeps;
  readonly #options: PullOptions;
  readonly #layers: LayerPuller;
  /** Of the pulls under way. */
  readonly #leases = new Set<string>();

  constructor(deps: LayerPullerDeps, options: PullOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#layers = new LayerPuller(deps, options);
  }

  /** `keep` saves what was pulled under a name while the pull's lease still holds it. */
  async pull(
    request: PullRequest,
    observer: PullObserver,
    keep: (image: PulledImage) => Promise<void>,
    signal: AbortSignal,
  ): Promise<PulledImage> {
    await using undo = new AsyncDisposableStack();
    const registries = undo.use(new Registries(this.#options));
    const { reference, credentials } = request;
    const resolved = await resolveReference(registries, reference, credentials, signal);
    const requirements = [...(await this.#options.requirementsFor(reference)), ...request.requirements];
    await checkSignatures(resolved.repository, resolved.descriptor.digest, requirements, signal);
    observer.onResolved(resolved.descriptor);
    const running = { leases: this.#deps.leases, running: this.#leases };
    const lease = undo.use(await PullLease.open(running, request, this.#options.now()));
    await using hold = new SharedHold(undo.move());
    const { onLayer } = observer;
    const job = { scope: lease.scope, repository: resolved.repository, hold, onLayer, signal };
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
    using registries = new Registries(this.#options);
    return await listTags(registries, reference, credentials, signal);
  }

  /** What the registry has under a name: the document's descriptor and the platforms it is for. Nothing is stored. */
  async describe(
    reference: Reference,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly descriptor: Descriptor; readonly platforms: readonly Platform[] }> {
    using registries = new Registries(this.#options);
    const { repository, descriptor } = await resolveReference(registries, reference, credentials, signal);
    const { bytes } = await repository.getManifest(descriptor.digest, signal);
    const document = parseManifestDocument(bytes, descriptor.mediaType);
    if (document.kind === "index") {
      const platforms = document.index.manifests.map(({ platform }) => platform);
      return { descriptor, platforms: platforms.filter((platform) => platform !== undefined) };
    }
    const imageConfig = decodeConfig(await repository.getDocument(document.manifest.config.digest, signal));
    const { os = "linux", architecture = "", variant } = imageConfig;
    return { descriptor, platforms: [{ architecture, os, ...(variant === undefined ? {} : { variant }) }] };
  }

  async #fetch(job: PullJob, resolved: ResolvedReference, request: PullRequest): Promise<PulledImage> {
    const top = await this.#document(job, resolved.descriptor, resolved.bytes);
    const chosen = await this.#choose(job, top, request);
    const { descriptor, manifest, bytes } = chosen;
    await this.#store(job, { descriptor, bytes }, manifestLabels(manifest));
    const known = await hasBlob(this.#deps.content, job.scope, manifest.config.digest);
    const config = await this.#config(job, manifest);
    await this.#layers.pullAll(job, planLayers(manifest, config), known);
    const parts = [top.descriptor, descriptor, manifest.config, ...manifest.layers];
    for (const { digest } of parts)
      await addSource(this.#deps.content, job.scope, digest, job.repository.reference);
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
    job: PullJob,
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
    job: PullJob,
    descriptor: Descriptor,
    bytes?: Buffer,
  ): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer }> {
    if (bytes !== undefined) return { descriptor, bytes };
    const { content } = this.#deps;
    if (await hasBlob(content, job.scope, descriptor.digest))
      return { descriptor, bytes: await readDocument(content, job.scope, descriptor.digest, MAX_MANIFEST) };
    const ask = () => job.repository.getManifest(descriptor.digest, job.signal);
    const got = await withDocumentRetries(ask, job.signal);
    // The registry's word for the type is as good as the index's; they must not differ between kinds.
    if (isIndexType(got.descriptor.mediaType) !== isIndexType(descriptor.mediaType))
      throw invalid(`unexpected media type ${got.descriptor.mediaType} for ${descriptor.digest}`);
    return { descriptor: { ...descriptor, size: got.bytes.length }, bytes: got.bytes };
  }

  async #config(job: PullJob, manifest: Manifest): Promise<ImageConfig> {
    const { content } = this.#deps;
    const { config: descriptor } = manifest;
    await this.#layers.download(job, descriptor, "config", () => undefined);
    const bytes = await readDocument(content, job.scope, descriptor.digest, MAX_CONFIG);
    const config = decodeConfig(bytes);
    if (config.rootfs.diff_ids.length !== manifest.layers.length)
      throw systemError("layers from manifest don't match image configuration");
    await this.#store(job, { descriptor, bytes }, configLabels(config, this.#options.snapshotter));
    return config;
  }

  async #store(
    { scope }: PullJob,
    document: { readonly descriptor: Descriptor; readonly bytes: Buffer },
    labels: Labels,
  ): Promise<void> {
    await this.#layers.hold(scope, "content", document.descriptor.digest);
    await storeDocument(this.#deps.content, scope, document, labels);
  }
}
