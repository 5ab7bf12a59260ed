// How much the files of a layer take. Known since it was unpacked, or measured once.

import { isKind } from "#base/errors.ts";
import { FILE_SIZE } from "#containerd/diff/diff.ts";
import type { Scope } from "#containerd/scope.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";

export class LayerSizes {
  readonly #snapshots: Pick<Snapshotter, "stat" | "usage">;
  readonly #scope: Scope;
  readonly #known = new Map<string, number>();

  constructor(snapshots: Pick<Snapshotter, "stat" | "usage">, scope: Scope) {
    this.#snapshots = snapshots;
    this.#scope = scope;
  }

  /** Bytes of one layer; 0 if its snapshot is gone. */
  async size(chainId: string): Promise<number> {
    const known = this.#known.get(chainId);
    if (known !== undefined) return known;
    try {
      const { labels } = await this.#snapshots.stat(this.#scope, chainId);
      const label = labels[FILE_SIZE];
      const size =
        label === undefined ? (await this.#snapshots.usage(this.#scope, chainId)).size : Number(label);
      this.#known.set(chainId, size);
      return size;
    } catch (error) {
      if (isKind(error, "notFound")) return 0;
      throw error;
    }
  }

  async total(chainIds: readonly string[]): Promise<number> {
    const sizes = await Promise.all(chainIds.map((chainId) => this.size(chainId)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}
