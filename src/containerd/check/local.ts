// The check of the store in this process. Records are compared with files in one step of the event loop, so that nothing changes
// between; only hashing takes longer, and what it finds wrong is looked at once more.

import { createHash } from "node:crypto";
import { lstatSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { EngineError } from "#base/errors.ts";
import type { ContentFiles } from "../content/content-files.ts";
import type { Rebuilds } from "../rebuild/rebuilds.ts";
import { type Row, readInteger, readText } from "../rows.ts";
import type { SnapshotFiles } from "../snapshots/snapshot-files.ts";
import type { SnapshotterName } from "../snapshots/snapshotter-name.ts";
import type { CheckReport, Finding, StoreCheck } from "./check.ts";
import { checkImages } from "./images.ts";

export interface LocalCheckDeps {
  readonly database: DatabaseSync;
  readonly contentFiles: ContentFiles;
  readonly snapshotFiles: SnapshotFiles;
  readonly snapshotter: SnapshotterName;
  /** Where blobs are discarded. */
  readonly rebuilds: Pick<Rebuilds, "forget" | "has" | "read" | "strangers"> | undefined;
}

/** A finding, and what mends it. */
export interface Ill extends Finding {
  readonly mend?: () => void;
}

export class LocalCheck implements StoreCheck {
  readonly #deps: LocalCheckDeps;

  constructor(deps: LocalCheckDeps) {
    this.#deps = deps;
  }

  async check(repair: boolean, signal: AbortSignal): Promise<CheckReport> {
    const { blobs, bytes, ills } = await this.#checkBlobs(signal);
    const snapshots = this.#rows("SELECT * FROM snapshots ORDER BY id DESC");
    const images = this.#rows("SELECT * FROM images");
    const all = [
      ...this.#checkDatabase(),
      ...ills,
      ...snapshots.flatMap((row) => this.#checkSnapshot(row)),
      ...images.flatMap((row) => checkImages(this.#deps, row)),
      ...this.#checkLeases(),
      ...this.#checkIngests(),
      ...this.#strangers(),
    ];
    if (repair) for (const { mend } of all) mend?.();
    return {
      blobs,
      bytes,
      snapshots: snapshots.length,
      images: images.length,
      leases: this.#rows("SELECT id FROM leases").length,
      ingests: this.#rows("SELECT ref FROM ingests").length,
      findings: all.map(({ mend: _, ...finding }) => finding),
    };
  }

  #rows(sql: string): readonly Row[] {
    return this.#deps.database.prepare(sql).all();
  }

  #checkDatabase(): readonly Ill[] {
    const ill = (problem: string): Ill => ({ kind: "database", namespace: "", name: "meta.db", problem });
    const damage = this.#rows("PRAGMA integrity_check").map((row) => readText(row, "integrity_check"));
    const dangling = this.#rows("PRAGMA foreign_key_check").map((row) => readText(row, "table"));
    return [
      ...damage.filter((text) => text !== "ok").map(ill),
      ...dangling.map((table) => ill(`a row of ${table} refers to nothing`)),
    ];
  }

  async #checkBlobs(
    signal: AbortSignal,
  ): Promise<{ readonly blobs: number; readonly bytes: number; readonly ills: readonly Ill[] }> {
    const rows = this.#rows("SELECT DISTINCT digest, size FROM blobs ORDER BY digest");
    const ills: Ill[] = [];
    let bytes = 0;
    for (const row of rows) {
      const [digest, size] = [readText(row, "digest"), readInteger(row, "size")];
      const problem = await this.#judgeBlob(digest, size, signal);
      bytes += size;
      if (problem !== undefined) ills.push(...this.#illBlob(digest, problem));
    }
    return { blobs: rows.length, bytes, ills };
  }

  async #judgeBlob(digest: string, size: number, signal: AbortSignal): Promise<string | undefined> {
    const known = this.#deps.database.prepare("SELECT 1 FROM blobs WHERE digest = ?");
    const gone = (): boolean => known.get(digest) === undefined;
    if (gone()) return undefined;
    const { contentFiles, rebuilds } = this.#deps;
    const stat = lstatSync(contentFiles.blob(digest), { throwIfNoEntry: false });
    const discarded = stat === undefined && rebuilds?.has(digest) === true;
    if (stat === undefined && !discarded) return "its file is missing";
    if (stat !== undefined && stat.size !== size) return `its file has ${stat.size} bytes instead of ${size}`;
    const found = await this.#hash(digest, size, signal).catch((error: unknown) => {
      const what = discarded ? "it cannot be rebuilt" : "its file cannot be read";
      return `${what}: ${error instanceof Error ? error.message : String(error)}`;
    });
    signal.throwIfAborted();
    if (gone() || found === digest) return undefined;
    return found.startsWith("sha256:") ? `its file has the digest ${found}` : found;
  }

  async #hash(digest: string, size: number, signal: AbortSignal): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of (this.#deps.rebuilds ?? this.#deps.contentFiles).read(digest, 0, size)) {
      signal.throwIfAborted();
      hash.update(chunk);
    }
    return `sha256:${hash.digest("hex")}`;
  }

  /** Whoever wants it fetches it again. */
  #illBlob(digest: string, problem: string): readonly Ill[] {
    const { database, contentFiles, rebuilds } = this.#deps;
    return database
      .prepare("SELECT namespace FROM blobs WHERE digest = ?")
      .all(digest)
      .map((row): Ill => {
        const namespace = readText(row, "namespace");
        const mend = (): void => {
          database.prepare("DELETE FROM blobs WHERE namespace = ? AND digest = ?").run(namespace, digest);
          rebuilds?.forget(digest)?.();
          contentFiles.removeBlob(digest);
        };
        return { kind: "blob", namespace, name: digest, problem, remedy: "forgotten", mend };
      });
  }

  #checkSnapshot(row: Row): readonly Ill[] {
    const { database, snapshotFiles } = this.#deps;
    const id = readInteger(row, "id");
    const name = readText(row, "key");
    const directory = snapshotFiles.directory(id);
    const parts = readText(row, "kind") === "active" ? ["fs", "work"] : ["fs"];
    const missing = parts.filter(
      (part) => lstatSync(`${directory}/${part}`, { throwIfNoEntry: false })?.isDirectory() !== true,
    );
    if (missing.length === 0) return [];
    const problem = `its directory ${directory}/${missing[0]} is missing`;
    const ill = { kind: "snapshot", namespace: readText(row, "namespace"), name, problem } as const;
    const child = database.prepare("SELECT key FROM snapshots WHERE parent = ?").get(id);
    if (child !== undefined)
      return [{ ...ill, problem: `${problem}, and ${readText(child, "key")} stands on it` }];
    const mend = (): void => void database.prepare("DELETE FROM snapshots WHERE id = ?").run(id);
    return [{ ...ill, remedy: "forgotten", mend }];
  }

  #checkLeases(): readonly Ill[] {
    const { database } = this.#deps;
    const rows = this.#rows(
      `SELECT DISTINCT r.namespace, r.lease FROM lease_resources r
       LEFT JOIN leases l ON l.namespace = r.namespace AND l.id = r.lease WHERE l.id IS NULL`,
    );
    return rows.map((row): Ill => {
      const [namespace, name] = [readText(row, "namespace"), readText(row, "lease")];
      const mend = (): void =>
        void database
          .prepare("DELETE FROM lease_resources WHERE namespace = ? AND lease = ?")
          .run(namespace, name);
      const problem = "it holds resources and does not exist";
      return { kind: "lease", namespace, name, problem, remedy: "forgotten", mend };
    });
  }

  #checkIngests(): readonly Ill[] {
    const { database, contentFiles } = this.#deps;
    const lost = this.#rows("SELECT * FROM ingests").filter(
      (row) => !contentFiles.hasIngest(readText(row, "file")),
    );
    return lost.map((row): Ill => {
      const [namespace, name] = [readText(row, "namespace"), readText(row, "ref")];
      const mend = (): void =>
        void database.prepare("DELETE FROM ingests WHERE namespace = ? AND ref = ?").run(namespace, name);
      return { kind: "ingest", namespace, name, problem: "its file is missing", remedy: "forgotten", mend };
    });
  }

  /** Files on their way to be deleted are nobody's for a while. */
  #strangers(): readonly Ill[] {
    const { database, contentFiles, snapshotFiles } = this.#deps;
    const ingest = database.prepare("SELECT 1 FROM ingests WHERE file = ?");
    const blob = database.prepare("SELECT 1 FROM blobs WHERE digest = ?");
    const snapshot = database.prepare("SELECT 1 FROM snapshots WHERE id = ?");
    const files = contentFiles
      .strangers({
        ingest: (name) =>
          name.startsWith("gone-") || name.startsWith("rebuilt-") || ingest.get(name) !== undefined,
        blob: (digest) => blob.get(digest) !== undefined,
      })
      .map(
        (path): Ill => ({
          ...stranger(path),
          remedy: "deleted",
          mend: () => rmSync(path, { force: true, recursive: true }),
        }),
      );
    const trees = snapshotFiles
      .strangers((id) => snapshot.get(id) !== undefined)
      .filter((name) => !name.startsWith("gone-"))
      .map(
        (name): Ill => ({
          ...stranger(snapshotFiles.path(name)),
          remedy: "deleted",
          mend: () => snapshotFiles.sweep((id) => snapshot.get(id) !== undefined),
        }),
      );
    const records = (this.#deps.rebuilds?.strangers() ?? []).map(
      (path): Ill => ({
        ...stranger(path),
        remedy: "deleted",
        mend: () => rmSync(path, { force: true, recursive: true }),
      }),
    );
    return [...files, ...records, ...trees];
  }
}

const stranger = (path: string): Ill => ({
  kind: "file",
  namespace: "",
  name: path,
  problem: "no record knows it",
});

/** Of a layer in another process: only that process can check its store. */
export const noCheck: StoreCheck = {
  check: async () => {
    throw new EngineError(
      "unsupported",
      "the store belongs to another containerd (--containerd): it cannot be checked from here",
    );
  },
};
