// GET /images/get: images as an archive that is an OCI layout and has Docker's manifest.json beside it.

import { EngineError, isKind, notFound } from "#base/errors.ts";
import type { ContentStore } from "#containerd/content/content.ts";
import type { Scope } from "#containerd/scope.ts";
import { canonicalName, familiarReference, formatReference, parseAnyReference } from "#formats/reference.ts";
import { type TarMember, tarEntry, writeTar } from "#formats/tar-writer.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { isTagged, type LocalImage, labelsOf, type NamedRecord } from "./local-image.ts";

interface Saved {
  readonly image: LocalImage;
  readonly tags: NamedRecord[];
}

/** Rejects before the first byte if an image or part of it is missing. */
export async function saveImages(
  deps: ImageDeps,
  names: readonly string[],
): Promise<AsyncIterable<Uint8Array>> {
  const saved = new Map<string, Saved>();
  for (const name of names)
    for (const { image, tags } of await choose(deps, name)) {
      const known = saved.get(image.id)?.tags ?? [];
      saved.set(image.id, { image, tags: [...known, ...tags.filter((tag) => !known.includes(tag))] });
    }
  const images = [...saved.values()];
  const blobs = await findBlobs(deps, images);
  for (const { image } of images)
    publishImageEvent(deps.events, {
      action: "save",
      actorId: image.id,
      name: image.id,
      labels: labelsOf(image),
    });
  return writeTar(members(deps.content, deps.scope, images, blobs));
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
    throw isKind(error, "notFound") ? notFound("image", name) : error; // without the tag that is looked for by default
  });
  return [{ image, tags: tag !== undefined && isTagged(tag) ? [tag] : [] }];
}

/** Every blob once. */
async function findBlobs(deps: ImageDeps, images: readonly Saved[]): Promise<ReadonlyMap<string, number>> {
  const blobs = new Map<string, number>();
  for (const { image } of images)
    for (const digest of [image.manifest.digest, image.id, ...image.layers.map((layer) => layer.digest)]) {
      if (blobs.has(digest)) continue;
      const { size } = await deps.content.info(deps.scope, digest).catch((cause: unknown) => {
        throw new EngineError("notFound", `unable to save image ${image.id}: content ${digest} is missing`, {
          cause,
        });
      });
      blobs.set(digest, size);
    }
  return blobs;
}

async function* members(
  content: Pick<ContentStore, "read">,
  scope: Scope,
  images: readonly Saved[],
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

function indexEntries({ image, tags }: Saved): readonly Descriptor[] {
  if (tags.length === 0) return [image.manifest];
  return tags.map(({ reference }) => ({
    ...image.manifest,
    annotations: {
      "io.containerd.image.name": formatReference(reference),
      "org.opencontainers.image.ref.name": reference.tag ?? "",
    },
  }));
}

const manifestItem = ({ image, tags }: Saved): unknown => ({
  Config: blobPath(image.id),
  RepoTags: tags.length === 0 ? null : tags.map(({ reference }) => familiarReference(reference)),
  Layers: image.layers.map(({ digest }) => blobPath(digest)),
});

/** Docker's oldest form, which some programs still read. */
function repositoriesOf(
  images: readonly Saved[],
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, tags } of images)
    for (const { reference } of tags) {
      const name = familiarReference({ domain: reference.domain, path: reference.path });
      repositories[name] = {
        ...repositories[name],
        [reference.tag ?? ""]: image.layers.at(-1)?.digest.slice(7) ?? "",
      };
    }
  return repositories;
}
