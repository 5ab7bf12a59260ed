// What images, containers, volumes and the build cache take. One computation at a time of each kind:
// whoever asks while it runs gets its result.

import { invalid } from "#base/errors.ts";
import type { RebuildUsage } from "#containerd/rebuild/rebuilds.ts";
import type { Volume } from "#spec/engine-api/definitions.table.ts";
import type { ListedContainer } from "../containers/list.ts";
import type { ImagesUsage } from "../images/usage.ts";

export const usageKinds = ["container", "image", "volume", "build-cache"] as const;
export type UsageKind = (typeof usageKinds)[number];

/** What is measured of each kind: undefined if it was not asked for. */
export interface DiskUsageReport {
  readonly images?: ImagesUsage;
  /** Layers whose compressed form was discarded; undefined where none was. */
  readonly discarded?: RebuildUsage;
  /** With SizeRw and SizeRootFs, in the words of the newest API version. */
  readonly containers?: readonly ListedContainer[];
  /** With UsageData. */
  readonly volumes?: readonly Volume[];
  /** Nothing is built, and nothing kept from it. */
  readonly buildCache?: readonly [];
}

export type UsageSources = {
  readonly [K in "images" | "containers" | "volumes"]: (
    signal: AbortSignal,
  ) => Promise<NonNullable<DiskUsageReport[K]>>;
} & { readonly discarded?: (() => RebuildUsage) | undefined };

export class DiskUsage {
  readonly #images: () => ReturnType<UsageSources["images"]>;
  readonly #discarded: UsageSources["discarded"];
  readonly #containers: () => ReturnType<UsageSources["containers"]>;
  readonly #volumes: () => ReturnType<UsageSources["volumes"]>;

  /** `signal` ends all computations: those of a client that hangs up go on for the others. */
  constructor(sources: UsageSources, signal: AbortSignal) {
    this.#images = shareRuns(() => sources.images(signal));
    this.#discarded = sources.discarded;
    this.#containers = shareRuns(() => sources.containers(signal));
    this.#volumes = shareRuns(() => sources.volumes(signal));
  }

  /** No kinds: all of them. */
  async report(kinds: readonly UsageKind[]): Promise<DiskUsageReport> {
    const wanted = (kind: UsageKind): boolean => kinds.length === 0 || kinds.includes(kind);
    const [images, containers, volumes] = await Promise.all([
      wanted("image") ? this.#images() : null,
      wanted("container") ? this.#containers() : null,
      wanted("volume") ? this.#volumes() : null,
    ]);
    const discarded = wanted("image") ? this.#discarded?.() : undefined;
    return {
      ...(images !== null && { images }),
      ...(discarded !== undefined && discarded.blobs > 0 && { discarded }),
      ...(containers !== null && { containers }),
      ...(volumes !== null && { volumes }),
      ...(wanted("build-cache") && { buildCache: [] }),
    };
  }
}

/** Calls while a run is under way share its result. */
function shareRuns<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** The query's `type` parameters. Throws Docker's refusal. */
export function parseUsageKinds(texts: readonly string[]): readonly UsageKind[] {
  return texts.map((text) => {
    const kind = usageKinds.find((name) => name === text);
    if (kind === undefined) throw invalid(`unknown object type: ${text}`);
    return kind;
  });
}
