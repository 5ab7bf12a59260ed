// GET /images/json.

import { parseTime } from "#base/clock.ts";
import type { Filters } from "#engine/filters.ts";
import { parseUntil } from "#engine/pruning.ts";
import { familiarName, familiarReference } from "#formats/reference.ts";
import { hasChildren } from "./family.ts";
import { compileGlob } from "./glob.ts";
import type { ImageDeps } from "./image-deps.ts";
import {
  isTagged,
  type LocalImage,
  labelsOf,
  type NamedRecord,
  repoDigests,
  repoTags,
} from "./local-image.ts";

export interface ListedImage {
  readonly image: LocalImage;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Seconds since the epoch; 0 if the image does not say. */
  readonly created: number;
  readonly size: number;
}

const acceptedFilters = ["dangling", "label", "label!", "before", "since", "reference", "until"];

/** The newest first; `all`: also nameless ones that others were made of. */
export async function listImages(
  deps: Pick<ImageDeps, "catalog" | "clock" | "sizes">,
  filters: Filters,
  all: boolean,
): Promise<readonly ListedImage[]> {
  filters.validate(acceptedFilters);
  const images = await deps.catalog.list();
  const keeps = await imageFilter(deps, filters);
  const chosen = images
    .filter((image) => keeps(image) && (all || image.names.length > 0 || !hasChildren(images, image.id)))
    .map((image) => matchReferences(image, filters));
  const listed = chosen
    .filter((image) => image !== undefined)
    .map(async (image) => ({ ...image, size: await deps.sizes.total(image.image.chainIds) }));
  return (await Promise.all(listed)).sort((left, right) =>
    Number(createdAt(right.image) - createdAt(left.image)),
  );
}

/** Throws for a `before` or `since` that is no image, and for values that cannot be read. */
export async function imageFilter(
  deps: Pick<ImageDeps, "catalog" | "clock">,
  filters: Filters,
): Promise<(image: LocalImage) => boolean> {
  const befores = await createdOf(deps, filters.values("before"));
  const sinces = await createdOf(deps, filters.values("since"));
  const untils = filters.values("until").map((text) => parseUntil(text, deps.clock.now()));
  const dangling = filters.has("dangling") ? filters.flag("dangling", false) : undefined;
  const tests: readonly ((image: LocalImage) => boolean)[] = [
    (image) => dangling === undefined || isDangling(image, dangling),
    (image) => filters.matchLabels(labelsOf(image)),
    (image) => befores.every((time) => createdAt(image) < time),
    (image) => sinces.every((time) => createdAt(image) > time),
    (image) => untils.every((time) => createdAt(image) < time),
  ];
  return (image) => tests.every((test) => test(image));
}

/** An image with a digest but no tag is on both sides, as with Docker. */
const isDangling = ({ names }: LocalImage, wanted: boolean): boolean =>
  wanted ? !names.some(isTagged) : names.length > 0;

async function createdOf(
  deps: Pick<ImageDeps, "catalog">,
  names: readonly string[],
): Promise<readonly bigint[]> {
  return await Promise.all(names.map(async (name) => createdAt((await deps.catalog.get(name)).image)));
}

/** Nanoseconds since the epoch. */
const createdAt = (image: Pick<LocalImage, "config">): bigint => parseTime(image.config.created ?? "") ?? 0n;

const createdSeconds = (image: Pick<LocalImage, "config">): number =>
  Number(createdAt(image) / 1_000_000_000n);

/** With a reference filter only the names that match are shown, and only images that have one. */
function matchReferences(image: LocalImage, filters: Filters): Omit<ListedImage, "size"> | undefined {
  const created = createdSeconds(image);
  if (!filters.has("reference"))
    return { image, created, repoTags: repoTags(image), repoDigests: repoDigests(image) };
  const patterns = filters.values("reference").map((text) => compileGlob(text));
  const names = image.names.filter((name) => patterns.some((pattern) => matchesName(pattern, name)));
  if (names.length === 0) return undefined;
  return {
    image,
    created,
    repoTags: repoTags({ ...image, names }),
    repoDigests: repoDigests({ ...image, names }),
  };
}

const matchesName = (pattern: RegExp, { reference }: NamedRecord): boolean =>
  pattern.test(familiarName(reference)) || pattern.test(familiarReference(reference));
