// POST /images/load: images from an archive, as `docker save` and OCI tools write it.

import { formatTime } from "#base/clock.ts";
import { array, type Decoded, DecodeError, type Decoder, object, string } from "#base/decode.ts";
import { invalid, systemError } from "#base/errors.ts";
import { decodeConfig } from "#containerd/registry/image-config.ts";
import { MAX_CONFIG, MAX_MANIFEST, parseManifestDocument } from "#containerd/registry/manifest.ts";
import { choosePlatform, hostPlatform } from "#containerd/registry/platform.ts";
import {
  configLabels,
  manifestLabels,
  readDocument,
  storeDocument,
} from "#containerd/registry/store-document.ts";
import { chainIds, hasSnapshot, unpackChainLayer } from "#containerd/registry/unpack-chain.ts";
import type { Scope } from "#containerd/scope.ts";
import { digestOf, shortId } from "#formats/digest.ts";
import { familiarReference, formatReference, parseReference, withDefaultTag } from "#formats/reference.ts";
import { type Descriptor, decodeIndex, type ImageConfig, mediaTypes } from "#spec/oci-image.ts";
import { type ArchiveBlob, type ArchiveFiles, readArchive } from "./archive-files.ts";
import { layerType, openLease } from "./create-image.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { danglingName } from "./local-image.ts";
import { setName, TAGGED_AT } from "./names.ts";
import { barMessage, type Emit } from "./progress-messages.ts";

const manifestItem = object({ Config: string }, { RepoTags: array(string), Layers: array(string) });
type ManifestItem = Decoded<typeof manifestItem>;

/** An image of the archive whose content is in the store. */
interface Loaded {
  readonly configDigest: string;
  readonly config: ImageConfig;
  readonly layers: readonly Descriptor[];
  readonly tags: readonly string[];
}

interface LoadRun {
  readonly scope: Scope;
  readonly files: ArchiveFiles;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export async function loadImages(
  deps: ImageDeps,
  body: AsyncIterable<Uint8Array>,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  await using lease = await openLease(deps, "load");
  const files = await readArchive(deps.content, lease.scope, body, signal);
  const run: LoadRun = { scope: lease.scope, files, emit, signal };
  for (const image of await findImages(deps, run)) await register(deps, run, image);
}

async function findImages(deps: ImageDeps, run: LoadRun): Promise<readonly Loaded[]> {
  const manifest = run.files.documents.get("manifest.json");
  if (manifest !== undefined) {
    const items = decodeJson(array(manifestItem), manifest, "manifest.json");
    return await Promise.all(items.map((item) => fromDocker(deps, run, item)));
  }
  const index = run.files.documents.get("index.json");
  if (index === undefined) throw invalid("invalid archive: does not contain a manifest.json");
  const { manifests } = decodeJson(decodeIndex, index, "index.json");
  return await Promise.all(manifests.map((descriptor) => fromOci(deps, run, descriptor)));
}

function decodeJson<T>(decode: Decoder<T>, bytes: Buffer, name: string): T {
  try {
    return decode(JSON.parse(bytes.toString()), "");
  } catch (error) {
    const why = error instanceof DecodeError ? error.message : "not a JSON document";
    throw invalid(`invalid archive: ${name}: ${why}`, { cause: error });
  }
}

async function fromDocker(deps: ImageDeps, { files, scope }: LoadRun, item: ManifestItem): Promise<Loaded> {
  const { digest } = getBlob(files, item.Config);
  const config = decodeConfig(await readDocument(deps.content, scope, digest, MAX_CONFIG));
  const layers = (item.Layers ?? []).map((name) => toLayer(getBlob(files, name)));
  return { configDigest: digest, config, layers, tags: item.RepoTags ?? [] };
}

async function fromOci(deps: ImageDeps, { files, scope }: LoadRun, top: Descriptor): Promise<Loaded> {
  let descriptor = top;
  for (let depth = 0; depth < 3; depth++) {
    const bytes = await readDocument(deps.content, scope, blobOf(files, descriptor).digest, MAX_MANIFEST);
    const document = parseManifestDocument(bytes, descriptor.mediaType);
    if (document.kind === "manifest") {
      const { config: configDescriptor, layers } = document.manifest;
      const { digest } = blobOf(files, configDescriptor);
      const config = decodeConfig(await readDocument(deps.content, scope, digest, MAX_CONFIG));
      return {
        configDigest: digest,
        config,
        layers: layers.map((layer) => toLayer(blobOf(files, layer))),
        tags: tagsOf(top),
      };
    }
    descriptor = choosePlatform(document.index.manifests, hostPlatform());
  }
  throw invalid("invalid archive: indexes are nested too deep");
}

/** containerd's full name, or the layout's own tag if it is a whole reference. */
function tagsOf({ annotations = {} }: Descriptor): readonly string[] {
  const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
  return name?.includes(":") ? [name] : [];
}

function getBlob(files: ArchiveFiles, name: string): ArchiveBlob {
  const blob = files.blobs.get(name.replace(/^\.\//, ""));
  if (blob === undefined) throw invalid(`invalid archive: it has no file ${JSON.stringify(name)}`);
  return blob;
}

/** A blob of an OCI layout, which must be what its name says. */
function blobOf(files: ArchiveFiles, { digest }: Descriptor): ArchiveBlob {
  const blob = getBlob(files, `blobs/${digest.replace(":", "/")}`);
  if (blob.digest !== digest) throw invalid(`invalid archive: blob ${digest} has digest ${blob.digest}`);
  return blob;
}

const toLayer = ({ digest, size, compression }: ArchiveBlob): Descriptor => ({
  mediaType: layerType[compression],
  digest,
  size,
});

async function register(deps: ImageDeps, run: LoadRun, image: Loaded): Promise<void> {
  const references = image.tags.map((tag) => withDefaultTag(parseReference(tag)));
  await unpackAll(deps, run, image);
  const target = await storeManifest(deps, run.scope, image);
  const labels = image.config.config?.Labels ?? {};
  const id = image.configDigest;
  using _names = await deps.namesLock.acquire();
  for (const reference of references) {
    await setName(deps, formatReference(reference), target, { [TAGGED_AT]: formatTime(deps.clock.now()) });
    run.emit({ stream: `Loaded image: ${familiarReference(reference)}\n` });
  }
  if (references.length === 0) {
    if (!(await deps.catalog.list()).some((known) => known.id === id))
      await deps.images.create(deps.scope, { name: danglingName(target.digest), target, labels: {} });
    run.emit({ stream: `Loaded image ID: ${id}\n` });
  }
  publishImageEvent(deps.events, { action: "load", actorId: id, name: id, labels });
}

async function unpackAll(deps: ImageDeps, { scope, emit, signal }: LoadRun, image: Loaded): Promise<void> {
  const diffIds = image.config.rootfs.diff_ids;
  if (diffIds.length !== image.layers.length)
    throw systemError(
      `invalid manifest, layers length mismatch: expected ${image.layers.length}, got ${diffIds.length}`,
    );
  const chain = chainIds(diffIds);
  for (const [index, descriptor] of image.layers.entries()) {
    const chainId = chain[index] ?? "";
    const diffId = diffIds[index] ?? "";
    await deps.leases.addResource(scope, scope.lease ?? "", {
      type: `snapshots/${deps.snapshotter}`,
      id: chainId,
    });
    if (await hasSnapshot(deps.snapshots, scope, chainId)) continue;
    const tell = (current: number): void =>
      emit(barMessage(shortId(diffId), "Loading layer", current, descriptor.size));
    const layer = { descriptor, diffId, chainId, parent: chain[index - 1] ?? "" };
    await unpackChainLayer(deps, scope, layer, { onProgress: tell, signal });
    tell(descriptor.size);
  }
}

async function storeManifest(deps: ImageDeps, scope: Scope, image: Loaded): Promise<Descriptor> {
  const { content, snapshotter } = deps;
  const configBytes = await readDocument(content, scope, image.configDigest, MAX_CONFIG);
  const config = { mediaType: mediaTypes.ociConfig, digest: image.configDigest, size: configBytes.length };
  await storeDocument(
    content,
    scope,
    { descriptor: config, bytes: configBytes },
    configLabels(image.config, snapshotter),
  );
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: image.layers };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const descriptor = { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.length };
  await storeDocument(content, scope, { descriptor, bytes }, manifestLabels(manifest));
  return descriptor;
}
