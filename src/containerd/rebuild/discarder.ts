// The policy that discards the blobs of layers once they are unpacked, one after the other, when nothing has been unpacked for a moment.

import type { DatabaseSync } from "node:sqlite";
import { isKind } from "#base/errors.ts";
import type { ContentStore } from "../content/content.ts";
import { DIFF_ID } from "../diff/diff.ts";
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
/** Where containerd's clients look for a layer's diffID. */
const UNCOMPRESSED = "containerd.io/uncompressed";
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

  /** Something was unpacked, or compressed. */
  request(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#running
        .then(() => this.#discardAll())
        .catch((error: unknown) => this.#deps.warn(`compressed layers are not discarded: ${String(error)}`));
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

  /** Blobs of layers that are unpacked, which are files that nothing was found out about. */
  #candidates(): readonly Candidate[] {
    const { database } = this.#deps;
    const snapshots = new Map(
      database
        .prepare("SELECT id, namespace, labels FROM snapshots WHERE kind = 'committed' AND labels LIKE ?")
        .all(`%${DIFF_ID}%`)
        .map((row) => [`${readText(row, "namespace")} ${readLabels(row)[DIFF_ID]}`, readInteger(row, "id")]),
    );
    const found = database
      .prepare(
        `SELECT namespace, digest, labels FROM blobs
         WHERE size >= ? AND labels LIKE ? AND digest NOT IN (SELECT digest FROM rebuilds)`,
      )
      .all(SMALL, `%${UNCOMPRESSED}%`)
      .flatMap((row): readonly Candidate[] => {
        const [namespace, digest, labels] = [
          readText(row, "namespace"),
          readText(row, "digest"),
          readLabels(row),
        ];
        const snapshot = snapshots.get(`${namespace} ${labels[UNCOMPRESSED]}`);
        const known = labels[KEPT] !== undefined || this.#failed.has(digest);
        return snapshot === undefined || known ? [] : [{ namespace, digest, snapshot }];
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
