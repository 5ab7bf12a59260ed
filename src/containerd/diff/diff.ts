// Layers to directory trees and back.

import type { Descriptor } from "#spec/oci-image.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import type { Scope } from "../scope.ts";

/** Annotation of an applied layer: bytes of the files in it. A containerd of another make does not set it. */
export const FILE_SIZE = "io.gantry.file-size";

export interface ApplyOptions {
  /** Compressed bytes consumed so far; local implementation only. */
  readonly onProgress?: (bytes: number) => void;
}

export interface DiffService {
  /** Unpacks a layer of the content store onto the mounts; returns the descriptor of the uncompressed layer (its digest is the diffID). */
  apply(
    scope: Scope,
    layer: Descriptor,
    mounts: readonly Mount[],
    options: ApplyOptions & { readonly signal: AbortSignal },
  ): Promise<Descriptor>;
}
