// Tells a reader that follows a log when to look again: the file was written, a new one lies beside it, the container has ended.

import { watch } from "node:fs";
import { dirname } from "node:path";

export interface FollowOptions {
  /** Whether the container has ended: what is in the file then is all there will be. */
  readonly ended: () => boolean;
  /** Resolves when the answer of `ended` may have changed. */
  readonly changed: (signal: AbortSignal) => Promise<void>;
  /** Told when files were rotated away before they were read. */
  readonly skipped?: () => void;
}

export class LogChanges implements Disposable {
  readonly ended: () => boolean;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #pending = false;
  #wake: (() => void) | undefined;

  constructor(path: string, follow: FollowOptions, signal: AbortSignal) {
    this.ended = follow.ended;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    const notify = (): void => this.#notify();
    watch(dirname(path), { signal: this.#signal }, notify).on("error", notify);
    this.#signal.addEventListener("abort", notify, { once: true });
    void this.#watchContainer(follow);
  }

  /** Changes from now on end the next wait. */
  clear(): void {
    this.#pending = false;
  }

  async next(): Promise<void> {
    if (this.#pending || this.#signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #notify(): void {
    this.#pending = true;
    this.#wake?.();
    this.#wake = undefined;
  }

  async #watchContainer(follow: FollowOptions): Promise<void> {
    try {
      while (!this.#signal.aborted) {
        await follow.changed(this.#signal);
        this.#notify();
      }
    } catch {
      this.#notify(); // aborted
    }
  }
}
