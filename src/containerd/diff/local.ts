// The diff service over the local content store: layers are unpacked by worker threads.

import { randomUUID } from "node:crypto";
import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import { parseDigest } from "#formats/digest.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import type { Scope } from "../scope.ts";
import { type CompareDeps, compareSnapshots, layersBetween } from "./compare.ts";
import { type ApplyOptions, type CompareOptions, DIFF_ID, type DiffService, FILE_SIZE } from "./diff.ts";
import type { UnpackPool } from "./unpack-pool.ts";

const LAYER_MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar";

export interface LocalDiffDeps {
  readonly content: CompareDeps["content"];
  /** The content store's directory: blobs lie at blobs/<algorithm>/<hex> in it. */
  readonly contentRoot: string;
  /** The blob's file is there until the result is disposed. */
  readonly restore: (digest: string) => Promise<Disposable>;
  /** For mount points that only the unpacking process sees. */
  readonly workDir: string;
  readonly pool: Pick<UnpackPool, "run">;
  readonly trees: CompareDeps["trees"];
  /** An empty directory that nobody else looks at. */
  readonly scratch: string;
  /** Uncompressed bytes of one layer after which it is refused. */
  readonly maxLayerSize: number;
  /** How many times its compressed size a layer may have; 0 is any. Asked each time. */
  readonly maxRatio: () => number;
}

export class LocalDiff implements DiffService {
  readonly #deps: LocalDiffDeps;

  constructor(deps: LocalDiffDeps) {
    this.#deps = deps;
  }

  async apply(
    scope: Scope,
    layer: Descriptor,
    mounts: readonly Mount[],
    options: ApplyOptions & { readonly signal: AbortSignal },
  ): Promise<Descriptor> {
    const { content, contentRoot, workDir, pool, maxLayerSize, maxRatio, restore } = this.#deps;
    const { digest } = await content.info(scope, layer.digest);
    const { algorithm, encoded } = parseDigest(digest);
    const target = join(workDir, randomUUID());
    using _file = await restore(digest);
    const job = {
      blob: join(contentRoot, "blobs", algorithm, encoded),
      mounts,
      target,
      maxSize: maxLayerSize,
      maxRatio: maxRatio(),
    };
    try {
      const unpacked = await pool.run(job, options.onProgress ?? (() => undefined), options.signal);
      const { digest: diffId, size, fileSize } = unpacked;
      return {
        mediaType: LAYER_MEDIA_TYPE,
        digest: diffId,
        size,
        annotations: { [FILE_SIZE]: String(fileSize), [DIFF_ID]: diffId },
      };
    } finally {
      await rmdir(target).catch(() => undefined);
    }
  }

  async compare(
    scope: Scope,
    left: readonly Mount[],
    right: readonly Mount[],
    options: CompareOptions & { readonly signal: AbortSignal },
  ): Promise<Descriptor> {
    const layers = await layersBetween(left, right, this.#deps.scratch);
    return compareSnapshots(this.#deps, scope, layers, options);
  }
}
