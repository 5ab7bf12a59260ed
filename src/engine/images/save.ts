// GET /images/get: images as an archive that is an OCI layout and has Docker's manifest.json beside it.

import { EngineError, isKind, notFound } from "#base/errors.ts";
import type { ContentStore } from "#containerd/content/content.ts";
import type { Scope } from "#containerd/scope.ts";
import { canonicalName, familiarReference, formatReference, parseAnyReference } from "#formats/reference.ts";
import { type TarMember, tarEntry, writeTar } from "#formats/tar-writer.ts";
import { type Descriptor, mediaTypes, type Platform } from "#spec/oci-image.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { type ImageContent, isTagged, type LocalImage, labelsOf, type NamedRecord } from "./local-image.ts";
import { getForPlatform, listDocuments } from "./manifests.ts";

interface Saved {
  readonly image: LocalImage;
  readonly tags: NamedRecord[];
}

/** An image with what the archive is to have of it. */
interface Packed extends Saved {
  /** What is in the archive for other programs than those that read the index. */
  readonly main: ImageContent;
  /** One for all names if only some platforms are wanted. */
  readonly target: Descriptor | undefined;
}

/** For the platforms (none: all that are here). Rejects before the first byte if an image or part of it is missing. */
export async function saveImages(
  deps: ImageDeps,
  names: readonly string[],
  platforms: readonly Platform[],
): Promise<AsyncIterable<Uint8Array>> {
  const saved = new Map<string, Saved>();
  for (const name of names)
    for (const { image, tags } of await choose(deps, name)) {
      const known = saved.get(image.id)?.tags ?? [];
      saved.set(image.id, { image, tags: [...known, ...tags.filter((tag) => !known.includes(tag))] });
    }
  const blobs = new Map<string, number>();
  const images: Packed[] = [];
  for (const one of saved.values()) images.push(await pack(deps, one, platforms, blobs));
  for (const { image } of images)
    publishImageEvent(deps.events, {
      action: "save",
      actorId: image.id,
      name: image.id,
      labels: labelsOf(image),
    });
  return writeTar(members(deps.content, deps.scope, images, blobs));
}

/** Adds the sizes of the image's blobs. */
async function pack(
  deps: ImageDeps,
  saved: Saved,
  platforms: readonly Platform[],
  blobs: Map<string, number>,
): Promise<Packed> {
  const { image } = saved;
  const name = saved.tags[0] === undefined ? image.id : familiarReference(saved.tags[0].reference);
  const wanted = platforms.map((platform) => getForPlatform(name, image, platform));
  const main = wanted[0] ?? image;
  const contents: readonly ImageContent[] = wanted.length > 0 ? wanted : [image, ...image.others];
  const parts = contents.flatMap(({ id, manifest, layers }) => [
    manifest.digest,
    id,
    ...layers.map(({ digest }) => digest),
  ]);
  await addSizes(deps, image.id, parts, blobs);
  if (wanted.length === 1) return { ...saved, main, target: main.manifest };
  for (const target of targetsOf(saved)) {
    const documents = await listDocuments(deps, target);
    await addSizes(deps, image.id, documents, blobs);
  }
  return { ...saved, main, target: undefined };
}

/** What the names stand for; without names, what the image is known by. */
const targetsOf = ({ image, tags }: Saved): readonly Descriptor[] =>
  (tags.length > 0 ? tags.map(({ record }) => record) : image.records.slice(0, 1)).map(
    ({ target }) => target,
  );

async function addSizes(
  { content, scope }: ImageDeps,
  id: string,
  digests: readonly string[],
  blobs: Map<string, number>,
): Promise<void> {
  for (const digest of digests) {
    if (blobs.has(digest)) continue;
    const { size } = await content.info(scope, digest).catch((cause: unknown) => {
      throw new EngineError("notFound", `unable to save image ${id}: content ${digest} is missing`, {
        cause,
      });
    });
    blobs.set(digest, size);
  }
}

/** A repository's name without tag stands for all its tags. */
async function choose(deps: ImageDeps, name: string): Promise<readonly Saved[]> {
  const parsed = parseAnyReference(name);
  if (parsed.kind === "name" && parsed.reference.tag === undefined && parsed.reference.digest === undefined) {
    const repository = canonicalName(parsed.reference);
    const all = (await deps.catalog.list()).map((image) => ({
      image,
      tags: image.names.filter((tag) => isTagged(tag) && canonicalName(tag.reference) === repository),
    }));
    const found = all.filter(({ tags }) => tags.length > 0);
    if (found.length > 0) return found;
  }
  const { image, name: tag } = await deps.catalog.get(name).catch((error: unknown) => {
    throw isKind(error, "notFound") ? missing(name) : error;
  });
  return [{ image, tags: tag !== undefined && isTagged(tag) ? [tag] : [] }];
}

/** In Docker's words, which differ for a repository (and what may be an id) and a name with a tag. */
function missing(name: string): EngineError {
  const parsed = parseAnyReference(name);
  const isWhole =
    parsed.kind === "name" && (parsed.reference.tag !== undefined || parsed.reference.digest !== undefined);
  return isWhole ? new EngineError("notFound", "reference does not exist") : notFound("image", name);
}

async function* members(
  content: Pick<ContentStore, "read">,
  scope: Scope,
  images: readonly Packed[],
  blobs: ReadonlyMap<string, number>,
): AsyncGenerator<TarMember> {
  for (const name of ["blobs", "blobs/sha256"]) yield { entry: tarEntry({ name, type: "directory" }) };
  for (const [digest, size] of blobs)
    yield {
      entry: tarEntry({ name: blobPath(digest), type: "file", size }),
      content: content.read(scope, digest),
    };
  yield document("index.json", {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.flatMap(indexEntries),
  });
  yield document("manifest.json", images.map(manifestItem));
  yield document("oci-layout", { imageLayoutVersion: "1.0.0" });
  const repositories = repositoriesOf(images);
  if (Object.keys(repositories).length > 0) yield document("repositories", repositories);
}

function document(name: string, value: unknown): TarMember {
  const bytes = Buffer.from(JSON.stringify(value));
  return { entry: tarEntry({ name, type: "file", size: bytes.length }), content: [bytes] };
}

const blobPath = (digest: string): string => `blobs/${digest.replace(":", "/")}`;

function indexEntries({ image, tags, target }: Packed): readonly Descriptor[] {
  const entry = (own: Descriptor): Descriptor => withoutAnnotations(target ?? own);
  if (tags.length === 0) return [entry(image.records[0]?.target ?? image.manifest)];
  return tags.map(({ record, reference }) => ({
    ...entry(record.target),
    annotations: {
      "io.containerd.image.name": formatReference(reference),
      "org.opencontainers.image.ref.name": reference.tag ?? "",
    },
  }));
}

function withoutAnnotations({ annotations: _, ...descriptor }: Descriptor): Descriptor {
  return descriptor;
}

const manifestItem = ({ main, tags }: Packed): unknown => ({
  Config: blobPath(main.id),
  RepoTags: tags.length === 0 ? null : tags.map(({ reference }) => familiarReference(reference)),
  Layers: main.layers.map(({ digest }) => blobPath(digest)),
});

/** Docker's oldest form, which some programs still read. */
function repositoriesOf(
  images: readonly Packed[],
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { main, tags } of images)
    for (const { reference } of tags) {
      const name = familiarReference({ domain: reference.domain, path: reference.path });
      repositories[name] = {
        ...repositories[name],
        [reference.tag ?? ""]: main.layers.at(-1)?.digest.slice(7) ?? "",
      };
    }
  return repositories;
}
