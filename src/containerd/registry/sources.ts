// Labels that tell from which repositories of a registry a blob can be had: containerd's, a list of paths for each domain.

import { isKind } from "#base/errors.ts";
import type { Reference } from "#formats/reference.ts";
import type { ContentStore } from "../content/content.ts";
import { fieldsOf } from "../rows.ts";
import type { Labels, Scope } from "../scope.ts";

const PREFIX = "containerd.io/distribution.source.";
/** A label has a limited size: the newest repositories stay. */
const MAX_SOURCES = 20;

/** The paths of repositories on the reference's registry, oldest first. */
export function sourcesOf(labels: Labels, { domain }: Pick<Reference, "domain">): readonly string[] {
  return (labels[PREFIX + domain] ?? "").split(",").filter((path) => path !== "");
}

/** Whether it came from a registry, or went to one. */
export const hasSource = (labels: Labels): boolean =>
  Object.keys(labels).some((key) => key.startsWith(PREFIX));

/** Every repository that is named: "docker.io/library/busybox". */
export const repositoriesOf = (labels: Labels): readonly string[] =>
  Object.entries(labels)
    .filter(([key]) => key.startsWith(PREFIX))
    .flatMap(([key, paths]) => paths.split(",").map((path) => `${key.slice(PREFIX.length)}/${path}`));

/** The label that names the reference's repository, too, as the newest. */
export function withSource(labels: Labels, reference: Pick<Reference, "domain" | "path">): Labels {
  const others = sourcesOf(labels, reference).filter((path) => path !== reference.path);
  const paths = [...others, reference.path].slice(-MAX_SOURCES);
  return { [PREFIX + reference.domain]: paths.join(",") };
}

/** Records that the repository has the blob, as the newest source, if the blob is here. */
export async function addSource(
  content: Pick<ContentStore, "info" | "update">,
  scope: Scope,
  digest: string,
  reference: Reference,
): Promise<void> {
  try {
    const { labels } = await content.info(scope, digest);
    if (sourcesOf(labels, reference).at(-1) === reference.path) return;
    const source = withSource(labels, reference);
    await content.update(scope, digest, source, fieldsOf(source));
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
}
