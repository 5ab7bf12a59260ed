// What a pull tells about each layer, at a pace that a terminal can show.

import type { LayerState } from "#containerd/registry/pull-layers.ts";
import { shortId } from "#formats/digest.ts";
import { barMessage, type Emit, stepMessage } from "./progress-messages.ts";

/** Bars of one layer are told at most this often. */
const PACE_MS = 100;

export class LayerProgress {
  readonly #emit: Emit;
  readonly #now: () => number;
  readonly #last = new Map<string, { readonly kind: string; readonly at: number }>();

  /** `now`: milliseconds, of any origin. */
  constructor(emit: Emit, now: () => number) {
    this.#emit = emit;
    this.#now = now;
  }

  tell(digest: string, state: LayerState): void {
    const id = shortId(digest);
    if (state.kind === "downloading") this.#bar(id, "Downloading", state);
    else if (state.kind === "extracting") this.#bar(id, "Extracting", state);
    else this.#step(id, state.kind === "retrying" ? retryText(state.seconds) : texts[state.kind]);
  }

  #step(id: string, text: string): void {
    this.#last.delete(id);
    this.#emit(stepMessage(id, text));
  }

  #bar(
    id: string,
    text: string,
    { current, total }: { readonly current: number; readonly total: number },
  ): void {
    const at = this.#now();
    const last = this.#last.get(id);
    if (last !== undefined && last.kind === text && at - last.at < PACE_MS && current < total) return;
    this.#last.set(id, { kind: text, at });
    this.#emit(barMessage(id, text, current, total));
  }
}

const retryText = (seconds: number): string => `Retrying in ${seconds} second${seconds === 1 ? "" : "s"}`;

const texts = {
  found: "Pulling fs layer",
  exists: "Already exists",
  waiting: "Waiting",
  verifying: "Verifying Checksum",
  downloaded: "Download complete",
  complete: "Pull complete",
} as const;
