import { formatTime } from "#base/clock.ts";
import { invalid } from "#base/errors.ts";
import {
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
  withTag,
} from "#formats/reference.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { type LocalImage, labelsOf } from "./local-image.ts";
import { setName, TAGGED_AT } from "./names.ts";

type TagDeps = Pick<ImageDeps, "catalog" | "clock" | "events" | "images" | "namesLock" | "scope">;

/** The new name that a tag, import or commit request asks for. */
export function parseNewName(repo: string, tag: string): Reference {
  const reference = parseReference(repo);
  if (reference.digest !== undefined) throw invalid("refusing to create a tag with a digest reference");
  return withDefaultTag(tag === "" ? reference : withTag(reference, tag));
}

export async function tagImage(deps: TagDeps, source: string, repo: string, tag: string): Promise<void> {
  const reference = parseNewName(repo, tag);
  using _names = await deps.namesLock.acquire();
  const { image } = await deps.catalog.get(source);
  await nameImage(deps, image, reference);
}

/** The caller holds the names lock. */
async function nameImage(
  deps: TagDeps,
  image: Pick<LocalImage, "config" | "id" | "records">,
  reference: Reference,
): Promise<void> {
  const [record] = image.records;
  if (record === undefined) return;
  const labels = { [TAGGED_AT]: formatTime(deps.clock.now()) };
  await setName(deps, formatReference(reference), record.target, labels);
  const name = familiarReference(reference);
  publishImageEvent(deps.events, { action: "tag", actorId: image.id, name, labels: labelsOf(image) });
}
