// What a pull tells about each layer, at a pace that a terminal can show.

import type { LayerState } from "#containerd/registry/pull-layers.ts";
import { shortId } from "#formats/digest.ts";
import { Pace } from "./pace.ts";
import { barMessage, type Emit, retryText, stepMessage } from "./progress-messages.ts";

export class LayerProgress {
  readonly #emit: Emit;
  readonly #pace: Pace;

  /** `now`: milliseconds, of any origin. */
  constructor(emit: Emit, now: () => number) {
    this.#emit = emit;
    this.#pace = new Pace(now);
  }

  tell(digest: string, state: LayerState): void {
    const id = shortId(digest);
    if (state.kind === "downloading") this.#bar(id, "Downloading", state);
    else if (state.kind === "extracting") this.#bar(id, "Extracting", state);
    else this.#step(id, state.kind === "retrying" ? retryText(state.seconds) : texts[state.kind]);
  }

  #step(id: string, text: string): void {
    this.#pace.forget(id);
    this.#emit(stepMessage(id, text));
  }

  #bar(
    id: string,
    text: string,
    { current, total }: { readonly current: number; readonly total: number },
  ): void {
    if (this.#pace.isTime(id, text, { current, total })) this.#emit(barMessage(id, text, current, total));
  }
}

const texts = {
  found: "Pulling fs layer",
  exists: "Already exists",
  waiting: "Waiting",
  verifying: "Verifying Checksum",
  downloaded: "Download complete",
  complete: "Pull complete",
} as const;
