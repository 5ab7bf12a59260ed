// DELETE /images/{name}: takes names away, and the image with the last one. Docker's rules:
//
//   by name  the name goes; an image in use keeps its last one unless forced
//   by id    all names go if they are of one repository, or if forced
//   then     an image without names is deleted, unless a container or an image made of it needs it;
//            and so are the nameless ones that it was made of, unless `prune` is false
//
// "cannot be forced": a running container, a child.  "must be forced": a stopped container, names in several repositories.

import { conflict } from "#base/errors.ts";
import { shortId } from "#formats/digest.ts";
import { canonicalName, familiarReference } from "#formats/reference.ts";
import type { ImageDeleteResponseItem } from "#spec/engine-api/definitions.table.ts";
import { hasChildren, parentOf } from "./family.ts";
import type { ImageDeps, ImageUser } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { danglingName, isTagged, type LocalImage, labelsOf, type NamedRecord } from "./local-image.ts";
import { removeRecord } from "./names.ts";

export type RemoveDeps = Pick<ImageDeps, "catalog" | "events" | "images" | "namesLock" | "scope" | "users">;

type Deleted = ImageDeleteResponseItem;

export interface RemoveOptions {
  readonly force: boolean;
  /** Nameless images that this one was made of go too. */
  readonly prune: boolean;
}

export async function removeImage(
  deps: RemoveDeps,
  text: string,
  options: RemoveOptions,
): Promise<readonly Deleted[]> {
  using _names = await deps.namesLock.acquire();
  const { image, name } = await deps.catalog.get(text);
  return name === undefined
    ? await removeById(deps, image, options)
    : await removeByName(deps, { image, name }, options);
}

async function removeByName(
  deps: RemoveDeps,
  { image, name }: { readonly image: LocalImage; readonly name: NamedRecord },
  options: RemoveOptions,
): Promise<readonly Deleted[]> {
  const { force } = options;
  const [user] = usersOf(deps, image);
  if (!force && user !== undefined && ofOneRepository(image.names))
    throw conflict(
      `conflict: unable to remove repository reference "${familiarReference(name.reference)}" (must force) - container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`,
    );
  const gone = namesThatGoWith(image.names, name);
  const rest = image.names.filter((other) => !gone.includes(other));
  // Without other names the image goes too, or stays nameless: that must be known before its last record goes.
  const blocked = rest.length === 0 ? await findConflict(deps, { ...image, names: [] }, force) : undefined;
  const deleted = rest.length === 0 && blocked === undefined;
  const layers = deleted ? await layersThatGo(deps, image) : [];
  const records: Deleted[] = [];
  for (const each of gone) {
    if (blocked !== undefined && each === gone[0]) await keepNameless(deps, image);
    // The digests that go with a tag go without an event.
    records.push(each === name ? await untag(deps, image, each) : await dropName(deps, each));
  }
  if (deleted) records.push(...(await deleteWithParents(deps, image, layers, options.prune)));
  return records;
}

async function removeById(
  deps: RemoveDeps,
  image: LocalImage,
  { force, prune }: RemoveOptions,
): Promise<readonly Deleted[]> {
  const single = ofOneRepository(image.names);
  const found = await findConflict(deps, single ? { ...image, names: [] } : image, force);
  if (found !== undefined) throw found;
  const layers = await layersThatGo(deps, image);
  const records: Deleted[] = [];
  for (const name of image.names) records.push(await untag(deps, image, name));
  records.push(...(await deleteWithParents(deps, image, layers, prune)));
  return records;
}

/** The image, and while `prune` is true the one that it was made of if that has no name and nothing needs it, and so on. */
async function deleteWithParents(
  deps: RemoveDeps,
  image: LocalImage,
  layers: readonly string[],
  prune: boolean,
): Promise<readonly Deleted[]> {
  const parent = prune ? parentOf(await deps.catalog.list(), image) : undefined;
  const records = await deleteNameless(deps, image, layers);
  if (parent === undefined || (await findConflict(deps, parent, false)) !== undefined) return records;
  const below = await layersThatGo(deps, parent);
  return [...records, ...(await deleteWithParents(deps, parent, below, true))];
}

/** A tag, and with the last tag of a repository its digests as well. */
function namesThatGoWith(names: readonly NamedRecord[], name: NamedRecord): readonly NamedRecord[] {
  if (!isTagged(name)) return [name];
  const repository = canonicalName(name.reference);
  const siblings = names.filter((other) => other !== name && canonicalName(other.reference) === repository);
  return siblings.some(isTagged) ? [name] : [name, ...siblings];
}

/** At most one tag, and digests of its repository only. */
function ofOneRepository(names: readonly NamedRecord[]): boolean {
  const tags = names.filter(isTagged).length;
  return tags <= 1 && new Set(names.map(({ reference }) => canonicalName(reference))).size <= 1;
}

async function findConflict(
  deps: Pick<RemoveDeps, "catalog" | "users">,
  image: LocalImage,
  force: boolean,
): Promise<Error | undefined> {
  const users = usersOf(deps, image);
  const refuse = (how: string, why: string): Error =>
    conflict(`conflict: unable to delete ${shortId(image.id)} (${how}) - ${why}`);
  if (hasChildren(await deps.catalog.list(), image.id))
    return refuse("cannot be forced", "image has dependent child images");
  const running = users.find((user) => user.running);
  if (running !== undefined)
    return refuse("cannot be forced", `image is being used by running container ${shortId(running.id)}`);
  if (force) return undefined;
  if (image.names.length > 0) return refuse("must be forced", "image is referenced in multiple repositories");
  const [stopped] = users;
  return stopped === undefined
    ? undefined
    : refuse("must be forced", `image is being used by stopped container ${shortId(stopped.id)}`);
}

async function untag(deps: RemoveDeps, image: LocalImage, name: NamedRecord): Promise<Deleted> {
  const dropped = await dropName(deps, name);
  publishImageEvent(deps.events, {
    action: "untag",
    actorId: image.id,
    name: image.id,
    labels: labelsOf(image),
  });
  return dropped;
}

async function dropName(deps: RemoveDeps, { record, reference }: NamedRecord): Promise<Deleted> {
  await removeRecord(deps, record.name);
  return { Untagged: familiarReference(reference) };
}

async function keepNameless(deps: RemoveDeps, image: LocalImage): Promise<void> {
  const [record] = image.records;
  if (record === undefined) return;
  const name = danglingName(record.target.digest);
  if (image.records.some((other) => other.name === name)) return;
  await deps.images.create(deps.scope, { name, target: record.target, labels: {} });
}

async function deleteNameless(
  deps: RemoveDeps,
  image: LocalImage,
  layers: readonly string[],
): Promise<readonly Deleted[]> {
  for (const record of image.records)
    if (!image.names.some((name) => name.record === record)) await removeRecord(deps, record.name);
  publishImageEvent(deps.events, {
    action: "delete",
    actorId: image.id,
    name: image.id,
    labels: labelsOf(image),
  });
  return [{ Deleted: image.id }, ...layers.map((chainId) => ({ Deleted: chainId }))];
}

/** Top first; layers that another image or a container of this one still needs stay. */
export async function layersThatGo(
  deps: Pick<RemoveDeps, "catalog" | "users">,
  image: LocalImage,
): Promise<readonly string[]> {
  if (usersOf(deps, image).length > 0) return [];
  const others = (await deps.catalog.list()).filter(
    ({ records }) => records[0]?.name !== image.records[0]?.name,
  );
  const kept = new Set(others.flatMap(layersOf));
  return layersOf(image).filter((chainId) => !kept.has(chainId));
}

/** Of all its platforms, top first, each once. */
export const layersOf = (image: LocalImage): readonly string[] => [
  ...new Set([image, ...image.others].flatMap(({ chainIds }) => chainIds.toReversed())),
];

/** Containers made of the image for any platform. */
function usersOf({ users }: Pick<RemoveDeps, "users">, image: LocalImage): readonly ImageUser[] {
  const ids = new Set([image, ...image.others].map(({ id }) => id));
  return users().filter(({ imageId }) => ids.has(imageId));
}
