// A repository at a mirror, and where else to look for what the mirror does not give.

import type { Reference } from "#formats/reference.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import type { Endpoint } from "./endpoints.ts";
import type { BlobStream, Repository } from "./repository.ts";

export class RepositoryChain {
  readonly reference: Reference;
  readonly #rest: Endpoint[];
  readonly #open: (endpoint: Endpoint) => Promise<Repository>;
  #current: Repository;
  #moving: Promise<boolean> | undefined;

  /** `open` opens one of `rest`, which is empty if the first is the registry itself. */
  constructor(
    first: Repository,
    rest: readonly Endpoint[],
    open: (endpoint: Endpoint) => Promise<Repository>,
  ) {
    this.reference = first.reference;
    this.#current = first;
    this.#rest = [...rest];
    this.#open = open;
  }

  getManifest(
    digest: string,
    signal: AbortSignal,
  ): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer }> {
    return this.#ask((repository) => repository.getManifest(digest, signal), signal);
  }

  getDocument(digest: string, signal: AbortSignal): Promise<Buffer> {
    return this.#ask((repository) => repository.getDocument(digest, signal), signal);
  }

  openBlob(digest: string, offset: number, signal: AbortSignal): Promise<BlobStream> {
    return this.#ask((repository) => repository.openBlob(digest, offset, signal), signal);
  }

  /** What one does not have the next is asked for, and from then on it alone. */
  async #ask<T>(ask: (repository: Repository) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      const current = this.#current;
      try {
        return await ask(current);
      } catch (error) {
        signal.throwIfAborted();
        if (!(await this.#moveOn(current))) throw error;
      }
    }
  }

  /** False if there is nowhere else to look. Another request may have gone on already. */
  async #moveOn(from: Repository): Promise<boolean> {
    if (from !== this.#current) return true;
    this.#moving ??= this.#openNext().finally(() => {
      this.#moving = undefined;
    });
    return await this.#moving;
  }

  async #openNext(): Promise<boolean> {
    const next = this.#rest.shift();
    if (next === undefined) return false;
    this.#current = await this.#open(next);
    return true;
  }
}
