// Layers to directory trees and back.

import type { Descriptor } from "#spec/oci-image.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import type { Labels, Scope } from "../scope.ts";

/** Annotation of an applied layer: bytes of the files in it. A containerd of another make does not set it. */
export const FILE_SIZE = "io.gantry.file-size";

/** Another: digest of the uncompressed layer. It becomes a label of the snapshot. */
export const DIFF_ID = "io.gantry.diff-id";

export interface ApplyOptions {
  /** Compressed bytes consumed so far; local implementation only. */
  readonly onProgress?: (bytes: number) => void;
}

export interface CompareOptions {
  /** Of the blob; "" is a compressed OCI layer. */
  readonly mediaType: string;
  /** Of the ingest; "" makes one up. */
  readonly ref: string;
  /** Of the blob. */
  readonly labels: Labels;
  /** Paths that are left out if they are nothing but places for mounts; local implementation only. */
  readonly exclude?: readonly string[];
}

export interface DiffService {
  /** Unpacks a layer of the content store onto the mounts; returns the descriptor of the uncompressed layer (its digest is the diffID). */
  apply(
    scope: Scope,
    layer: Descriptor,
    mounts: readonly Mount[],
    options: ApplyOptions & { readonly signal: AbortSignal },
  ): Promise<Descriptor>;
  /** Stores what `right` has and `left` has not as a layer; `right` must build on the snapshots of `left`. */
  compare(
    scope: Scope,
    left: readonly Mount[],
    right: readonly Mount[],
    options: CompareOptions & { readonly signal: AbortSignal },
  ): Promise<Descriptor>;
}
