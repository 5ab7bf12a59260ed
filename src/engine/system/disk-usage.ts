// GET /system/df: what images, containers, volumes and the build cache take. One computation at a time of each kind:
// whoever asks while it runs gets its result.

import { invalid } from "#base/errors.ts";
import type { BuildCache, Volume } from "#spec/engine-api/definitions.table.ts";

export const usageKinds = ["container", "image", "volume", "build-cache"] as const;
export type UsageKind = (typeof usageKinds)[number];

/** As the API shows it. */
type Shown = Readonly<Record<string, unknown>>;

export interface UsageSources {
  /** With SharedSize and Containers; `layersSize` counts each layer once. */
  images(signal: AbortSignal): Promise<{ images: readonly Shown[]; layersSize: number }>;
  /** With SizeRw and SizeRootFs. */
  containers(signal: AbortSignal): Promise<readonly Shown[]>;
  /** With UsageData. */
  volumes(signal: AbortSignal): Promise<readonly Volume[]>;
}

export interface DiskUsageReport {
  readonly LayersSize?: number;
  readonly Images: readonly Shown[] | null;
  readonly Containers: readonly Shown[] | null;
  readonly Volumes: readonly Volume[] | null;
  readonly BuildCache: readonly BuildCache[] | null;
}

export class DiskUsage {
  readonly #images: () => ReturnType<UsageSources["images"]>;
  readonly #containers: () => ReturnType<UsageSources["containers"]>;
  readonly #volumes: () => ReturnType<UsageSources["volumes"]>;

  /** `signal` ends all computations: those of a client that hangs up go on for the others. */
  constructor(sources: UsageSources, signal: AbortSignal) {
    this.#images = shareRuns(() => sources.images(signal));
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
    return {
      ...(images !== null && { LayersSize: images.layersSize }),
      Images: images?.images ?? null,
      Containers: containers,
      Volumes: volumes,
      BuildCache: wanted("build-cache") ? [] : null,
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
