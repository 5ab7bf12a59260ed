// The policy that discards the blobs of layers once they are unpacked, one after the other, when nothing has been unpacked for a moment.

import type { DatabaseSync } from "node:sqlite";
import { isKind } from "#base/errors.ts";
import type { ContentStore } from "../content/content.ts";
import { LAYER } from "../diff/diff.ts";
import { fieldsOf, readInteger, readLabels, readText } from "../rows.ts";
import type { Rebuilds } from "./rebuilds.ts";

interface DiscarderDeps {
  readonly database: DatabaseSync;
  readonly content: Pick<ContentStore, "info" | "update">;
  readonly rebuilds: Rebuilds;
  readonly warn: (message: string) => void;
}

/** Label of a blob that stays, and why. */
const KEPT = "io.gantry.not-rebuildable";
/** Records of smaller blobs save nothing. */
const SMALL = 16 << 10;
const QUIET_MS = 1000;
const MAX_REASON = 1000;

interface Candidate {
  readonly namespace: string;
  readonly digest: string;
  readonly snapshot: number;
}

export class Discarder implements AsyncDisposable {
  readonly #deps: DiscarderDeps;
  readonly #closing = new AbortController();
  /** Those that failed for a reason that may pass: tried again by the next daemon. */
  readonly #failed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: DiscarderDeps) {
    this.#deps = deps;
  }

  /** Something was unpacked. */
  request(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#running.then(() => this.#discardAll());
    }, QUIET_MS).unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#closing.abort(new Error("the daemon is stopping"));
    await this.#running;
  }

  async #discardAll(): Promise<void> {
    for (const candidate of this.#candidates()) {
      if (this.#closing.signal.aborted) return;
      await this.#discard(candidate);
    }
  }

  /** Layers that are unpacked, and whose blob is a file that nothing was found out about. */
  #candidates(): readonly Candidate[] {
    const rows = this.#deps.database
      .prepare("SELECT id, namespace, labels FROM snapshots WHERE kind = 'committed' AND labels LIKE ?")
      .all(`%${LAYER}%`);
    const blob = this.#deps.database.prepare(
      `SELECT labels FROM blobs WHERE namespace = ? AND digest = ? AND size >= ${SMALL}
       AND digest NOT IN (SELECT digest FROM rebuilds)`,
    );
    const found = rows.flatMap((row): readonly Candidate[] => {
      const namespace = readText(row, "namespace");
      const digest = readLabels(row)[LAYER] ?? "";
      const stored = blob.get(namespace, digest);
      if (stored === undefined || readLabels(stored)[KEPT] !== undefined || this.#failed.has(digest))
        return [];
      return [{ namespace, digest, snapshot: readInteger(row, "id") }];
    });
    return [...new Map(found.map((candidate) => [candidate.digest, candidate])).values()];
  }

  async #discard({ namespace, digest, snapshot }: Candidate): Promise<void> {
    const { content, rebuilds, warn } = this.#deps;
    try {
      if (!rebuilds.has(digest)) await rebuilds.discard(digest, snapshot, this.#closing.signal);
    } catch (error) {
      if (this.#closing.signal.aborted || !this.#isThere(digest)) return;
      const why = error instanceof Error ? error.message : String(error);
      if (!isKind(error, "unsupported")) {
        this.#failed.add(digest);
        return warn(`the blob ${digest} was not discarded: ${why}`);
      }
      const labels = { [KEPT]: why.slice(0, MAX_REASON) };
      await content.update({ namespace }, digest, labels, fieldsOf(labels)).catch(() => undefined);
    }
  }

  /** It may have been removed meanwhile. */
  #isThere(digest: string): boolean {
    return this.#deps.database.prepare("SELECT 1 FROM blobs WHERE digest = ?").get(digest) !== undefined;
  }
}
