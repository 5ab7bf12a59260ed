// The images that an archive holds, by the index of an OCI layout or by Docker's older manifest.json, in one form.

import { array, type Decoded, DecodeError, type Decoder, object, string } from "#base/decode.ts";
import { EngineError, invalid } from "#base/errors.ts";
import type { ContentStore } from "#containerd/content/content.ts";
import { decodeConfig } from "#containerd/registry/image-config.ts";
import {
  MAX_CONFIG,
  MAX_INDEX_DEPTH,
  MAX_MANIFEST,
  parseManifestDocument,
} from "#containerd/registry/manifest.ts";
import { indexLabels, manifestLabels, readDocument } from "#containerd/registry/store-document.ts";
import type { Labels, Scope } from "#containerd/scope.ts";
import { digestOf } from "#formats/digest.ts";
import {
  type Descriptor,
  decodeIndex,
  decodeManifest,
  type ImageConfig,
  isIndexType,
  type Manifest,
  mediaTypes,
  type Platform,
} from "#spec/oci-image.ts";
import { formatPlatform, platformDistance } from "#spec/platform.ts";
import type { ArchiveBlob, ArchiveFiles } from "./archive-files.ts";
import { layerType } from "./create-image.ts";

/** A document, and what is to be kept for its sake. */
export interface LabelledDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly labels: Labels;
}

export interface ArchivedPlatform {
  readonly configDescriptor: Descriptor;
  readonly config: ImageConfig;
  readonly layers: readonly Descriptor[];
}

export interface ArchivedImage {
  /** What its names are to stand for. */
  readonly target: Descriptor;
  readonly documents: readonly LabelledDocument[];
  /** At least one. */
  readonly platforms: readonly ArchivedPlatform[];
  readonly tags: readonly string[];
}

export interface ArchiveReading {
  readonly content: Pick<ContentStore, "read">;
  readonly scope: Scope;
  readonly files: ArchiveFiles;
  /** Only these; none are all. */
  readonly wanted: readonly Platform[];
}

const manifestItem = object({ Config: string }, { RepoTags: array(string), Layers: array(string) });
type ManifestItem = Decoded<typeof manifestItem>;

const ATTESTATION = "vnd.docker.reference.type";

/** Rejects `invalid` for an archive without an index, or with one that says what is not so. */
export async function readArchiveIndex(reading: ArchiveReading): Promise<readonly ArchivedImage[]> {
  const { documents } = reading.files;
  const [manifest, index] = [documents.get("manifest.json"), documents.get("index.json")];
  const items = manifest === undefined ? [] : decodeJson(array(manifestItem), manifest, "manifest.json");
  if (index === undefined && manifest === undefined)
    throw invalid("invalid archive: does not contain a manifest.json");
  const tops = index === undefined ? [] : decodeJson(decodeIndex, index, "index.json").manifests;
  // Archives of Docker have both; the index keeps the digests that the images were pulled by.
  const images =
    tops.length > 0
      ? await fromLayout(reading, tops, items)
      : await Promise.all(items.map((item) => fromDocker(reading, item)));
  const found = images.filter((image) => image !== undefined);
  if (images.length > 0 && found.length === 0)
    throw new EngineError(
      "notFound",
      `requested platform (${reading.wanted.map(formatPlatform).join(", ")}) not found in the archive`,
    );
  return found;
}

function decodeJson<T>(decode: Decoder<T>, bytes: Buffer, name: string): T {
  try {
    return decode(JSON.parse(bytes.toString()), "");
  } catch (error) {
    const why = error instanceof DecodeError ? error.message : "not a JSON document";
    throw invalid(`invalid archive: ${name}: ${why}`, { cause: error });
  }
}

const isWanted = ({ wanted }: ArchiveReading, platform: Platform): boolean =>
  wanted.length === 0 || wanted.some((one) => platformDistance(one, platform) !== undefined);

const platformOf = ({ os = "linux", architecture = "", variant }: ImageConfig): Platform => ({
  os,
  architecture,
  ...(variant !== undefined && { variant }),
});

async function fromDocker(reading: ArchiveReading, item: ManifestItem): Promise<ArchivedImage | undefined> {
  const { digest, size } = getBlob(reading.files, item.Config);
  const config = await readConfig(reading, digest);
  if (!isWanted(reading, platformOf(config))) return undefined;
  const configDescriptor = { mediaType: mediaTypes.ociConfig, digest, size };
  const layers = (item.Layers ?? []).map((name) => toLayer(getBlob(reading.files, name)));
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: configDescriptor, layers };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const target = { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.length };
  return {
    target,
    documents: [{ descriptor: target, bytes, labels: manifestLabels(manifest) }],
    platforms: [{ configDescriptor, config, layers }],
    tags: item.RepoTags ?? [],
  };
}

const toLayer = ({ digest, size, compression }: ArchiveBlob): Descriptor => ({
  mediaType: layerType[compression],
  digest,
  size,
});

const readConfig = async ({ content, scope }: ArchiveReading, digest: string): Promise<ImageConfig> =>
  decodeConfig(await readDocument(content, scope, digest, MAX_CONFIG));

/** The entries of one image become one, with all its names. */
async function fromLayout(
  reading: ArchiveReading,
  tops: readonly Descriptor[],
  items: readonly ManifestItem[],
): Promise<readonly (ArchivedImage | undefined)[]> {
  const byDigest = Map.groupBy(tops, ({ digest }) => digest);
  const images = await Promise.all(
    [...byDigest.values()].map(async (entries) => {
      const [top] = entries;
      const image = top === undefined ? undefined : await readTop(reading, top);
      return image === undefined ? undefined : { ...image, tags: entries.flatMap(tagsOf) };
    }),
  );
  return images.map((image) =>
    image === undefined || image.tags.length > 0
      ? image
      : { ...image, tags: tagsBeside(reading, image, items) },
  );
}

/** containerd's full name, or the layout's own tag if it is a whole reference. */
function tagsOf({ annotations = {} }: Descriptor): readonly string[] {
  const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
  return name?.includes(":") ? [name] : [];
}

/** The names that manifest.json has for an image which has none in the index. */
function tagsBeside(
  { files }: ArchiveReading,
  { platforms }: ArchivedImage,
  items: readonly ManifestItem[],
): readonly string[] {
  const ids = new Set(platforms.map(({ configDescriptor }) => configDescriptor.digest));
  return items
    .filter(({ Config }) => ids.has(files.blobs.get(Config)?.digest ?? ""))
    .flatMap(({ RepoTags }) => RepoTags ?? []);
}

interface Found {
  readonly documents: Map<string, LabelledDocument>;
  readonly platforms: { readonly manifest: Descriptor; readonly platform: ArchivedPlatform }[];
}

/** Of an index the manifests that the archive has and that are wanted; undefined if there are none of them. */
async function readTop(
  reading: ArchiveReading,
  top: Descriptor,
): Promise<Omit<ArchivedImage, "tags"> | undefined> {
  const found: Found = { documents: new Map(), platforms: [] };
  const { annotations: _, ...target } = top;
  await collect(reading, { descriptor: target, isTop: true, depth: 0 }, found);
  const [first] = found.platforms;
  if (first === undefined) {
    if (reading.wanted.length > 0) return undefined;
    throw invalid(`invalid archive: no image of the index ${top.digest} is in it`);
  }
  // What was asked for one platform is that platform's image.
  const isOne = reading.wanted.length === 1 && isIndexType(target.mediaType);
  return {
    target: isOne ? first.manifest : target,
    documents: [...found.documents.values()],
    platforms: found.platforms.map(({ platform }) => platform),
  };
}

interface Visit {
  readonly descriptor: Descriptor;
  readonly isTop: boolean;
  readonly depth: number;
}

async function collect(
  reading: ArchiveReading,
  { descriptor, isTop, depth }: Visit,
  found: Found,
): Promise<void> {
  const { content, scope, files } = reading;
  if (found.documents.has(descriptor.digest)) return;
  // An index tells of platforms that are elsewhere.
  if (!isTop && !files.blobs.has(blobPath(descriptor.digest))) return;
  if (depth > MAX_INDEX_DEPTH) throw invalid("invalid archive: indexes are nested too deep");
  const bytes = await readDocument(content, scope, blobOf(files, descriptor).digest, MAX_MANIFEST);
  if (isAttestation(descriptor)) {
    const labels = manifestLabels(decodeJson(decodeManifest, bytes, descriptor.digest));
    found.documents.set(descriptor.digest, { descriptor, bytes, labels });
    return;
  }
  const document = parseManifestDocument(bytes, descriptor.mediaType);
  if (document.kind === "manifest") {
    await addPlatform(reading, { descriptor, bytes, manifest: document.manifest }, found);
    return;
  }
  found.documents.set(descriptor.digest, { descriptor, bytes, labels: indexLabels(document.index) });
  for (const entry of document.index.manifests)
    await collect(reading, { descriptor: entry, isTop: false, depth: depth + 1 }, found);
}

const isAttestation = ({ annotations }: Descriptor): boolean =>
  annotations?.[ATTESTATION] === "attestation-manifest";

async function addPlatform(
  reading: ArchiveReading,
  { descriptor, bytes, manifest }: { descriptor: Descriptor; bytes: Buffer; manifest: Manifest },
  found: Found,
): Promise<void> {
  const { digest } = blobOf(reading.files, manifest.config);
  const config = await readConfig(reading, digest);
  if (!isWanted(reading, platformOf(config))) return;
  for (const layer of manifest.layers) blobOf(reading.files, layer);
  found.documents.set(descriptor.digest, { descriptor, bytes, labels: manifestLabels(manifest) });
  const platform = { configDescriptor: manifest.config, config, layers: manifest.layers };
  found.platforms.push({ manifest: descriptor, platform });
}

const blobPath = (digest: string): string => `blobs/${digest.replace(":", "/")}`;

function getBlob(files: ArchiveFiles, name: string): ArchiveBlob {
  const blob = files.blobs.get(name.replace(/^\.\//, ""));
  if (blob === undefined) throw invalid(`invalid archive: it has no file ${JSON.stringify(name)}`);
  return blob;
}

/** A blob of an OCI layout, which must be what its name says. */
function blobOf(files: ArchiveFiles, { digest, size }: Descriptor): ArchiveBlob {
  const blob = getBlob(files, blobPath(digest));
  if (blob.digest !== digest) throw invalid(`invalid archive: blob ${digest} has digest ${blob.digest}`);
  if (blob.size !== size)
    throw invalid(`invalid archive: blob ${digest} has ${blob.size} bytes, not ${size}`);
  return blob;
}
