// An image as the engine sees it: one configuration, the layers below it, and every name it goes by.

import type { ImageRecord } from "#containerd/images/images.ts";
import { familiarReference, parseReference, type Reference } from "#formats/reference.ts";
import type { Descriptor, ImageConfig } from "#spec/oci-image.ts";

/** What the content store says about a target. Never changes. */
export interface ImageContent {
  /** Digest of the configuration: Docker's image id. */
  readonly id: string;
  readonly manifest: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly config: ImageConfig;
  /** Snapshots of the layers, bottom first. */
  readonly chainIds: readonly string[];
  /** The same image for other platforms, as far as they are here. */
  readonly others: readonly ImageContent[];
}

export interface NamedRecord {
  readonly record: ImageRecord;
  readonly reference: Reference;
}

export interface LocalImage extends ImageContent {
  /** At least one; images that lost their last name have one for themselves. */
  readonly records: readonly ImageRecord[];
  /** Names that users gave, sorted; none for a dangling image. */
  readonly names: readonly NamedRecord[];
}

/** Name of the record that keeps an image without names. */
const DANGLING = "moby-dangling@";

export const danglingName = (digest: string): string => `${DANGLING}${digest}`;
const isDanglingName = (name: string): boolean => name.startsWith(DANGLING);

/** Undefined for names that are not references: other programs may have made them. */
export function nameOf(record: ImageRecord): NamedRecord | undefined {
  if (isDanglingName(record.name)) return undefined;
  try {
    return { record, reference: parseReference(record.name) };
  } catch {
    return undefined;
  }
}

export const isTagged = ({ reference }: NamedRecord): boolean => reference.digest === undefined;

/** "busybox:latest". */
export const repoTags = (image: LocalImage): readonly string[] =>
  image.names.filter(isTagged).map(({ reference }) => familiarReference(reference));

/** "busybox@sha256:…": where the image can be had from. */
export const repoDigests = (image: LocalImage): readonly string[] =>
  image.names
    .filter((name) => !isTagged(name))
    .map(({ reference }) => familiarReference(withoutTag(reference)));

function withoutTag({ domain, path, digest }: Reference): Reference {
  return { domain, path, ...(digest === undefined ? {} : { digest }) };
}

export const labelsOf = (image: Pick<ImageContent, "config">): Readonly<Record<string, string>> =>
  image.config.config?.Labels ?? {};
