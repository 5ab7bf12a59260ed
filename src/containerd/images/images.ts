// Names for content: "docker.io/library/busybox:latest" -> descriptor.

import type { Descriptor } from "#spec/oci-image.ts";
import type { Labels, Scope } from "../scope.ts";

export interface ImageRecord {
  readonly name: string;
  readonly target: Descriptor;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ImageStore {
  get(scope: Scope, name: string): Promise<ImageRecord>;
  list(scope: Scope, filters: readonly string[]): Promise<readonly ImageRecord[]>;
  create(scope: Scope, image: Pick<ImageRecord, "name" | "target" | "labels">): Promise<ImageRecord>;
  /** `fields`: containerd field mask paths ("target", "labels", "labels.x"); empty replaces all. */
  update(
    scope: Scope,
    image: Pick<ImageRecord, "name" | "target" | "labels">,
    fields: readonly string[],
  ): Promise<ImageRecord>;
  delete(scope: Scope, name: string): Promise<void>;
}
