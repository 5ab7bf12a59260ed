// Blobs of layers whose files are discarded, since they can be rebuilt: which they are, and their bytes.
//
//   blob's file -> record made and proved -> row in `rebuilds` -> file deleted
//   a row, no file: rebuilt for whoever reads it whole; restored, for a while, for whoever reads parts of it or unpacks it
//   its snapshot is to be removed: restored, then the row is deleted
//
// Whenever the process is killed there is the file, or a row and what it needs. The snapshot is kept for as long as the blob is (gc/marker.ts).

import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { systemError } from "#base/errors.ts";
import { parseDigest } from "#formats/digest.ts";
import type { ContentFiles } from "../content/content-files.ts";
import { readInteger, readText } from "../rows.ts";
import { planLayers } from "../trees/layer-view.ts";
import type { Trees } from "../trees/trees.ts";

export interface RebuildsDeps {
  readonly database: DatabaseSync;
  readonly contentFiles: ContentFiles;
  /** Directory of the records; it is made. */
  readonly root: string;
  /** Directories that make up the tree of a committed snapshot, the topmost first. */
  readonly treesOf: (snapshot: number) => readonly string[];
  readonly threads: Pick<Trees, "recordBlob" | "rebuildBlob">;
  /** An empty directory that nobody else looks at. */
  readonly scratch: string;
  /** Aborts when the layer closes. */
  readonly signal: AbortSignal;
}

export interface RebuildUsage {
  readonly blobs: number;
  /** Of the blobs. */
  readonly bytes: number;
  /** Of what they are rebuilt by, beside the snapshots. */
  readonly recordBytes: number;
}

/** What the directory of a record is called while it is made. */
const NEW = "new-";

/** How long a restored file stays after its last use. */
const RESTORED_MS = 5 * 60_000;

interface Use {
  users: number;
  timer?: NodeJS.Timeout;
}

export class Rebuilds {
  readonly #deps: RebuildsDeps;
  readonly #get: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #uses = new Map<string, Use>();
  /** The blob whose record gets its name now. */
  #making = "";
  readonly #restoring = new Map<string, Promise<void>>();

  constructor(deps: RebuildsDeps) {
    this.#deps = deps;
    const { database, contentFiles } = deps;
    this.#get = database.prepare("SELECT * FROM rebuilds WHERE digest = ?");
    this.#insert = database.prepare("INSERT INTO rebuilds (digest, snapshot, record_size) VALUES (?, ?, ?)");
    this.#delete = database.prepare("DELETE FROM rebuilds WHERE digest = ?");
    mkdirSync(deps.root, { recursive: true, mode: 0o700 });
    database.exec("DELETE FROM rebuilds WHERE digest NOT IN (SELECT digest FROM blobs)");
    for (const row of database.prepare("SELECT digest FROM rebuilds").all())
      contentFiles.removeBlob(readText(row, "digest"));
    for (const name of readdirSync(deps.root))
      if (!this.has(`sha256:${name}`)) rmSync(join(deps.root, name), { recursive: true, force: true });
  }

  /** Whether the blob has a record: its file may be there all the same. */
  has(digest: string): boolean {
    return this.#get.get(digest) !== undefined;
  }

  /** Records that no row knows, and that are not being made. */
  strangers(): readonly string[] {
    return readdirSync(this.#deps.root)
      .filter((name) => !name.startsWith(NEW) && !this.has(`sha256:${name}`))
      .filter((name) => this.#making !== `sha256:${name}`)
      .map((name) => join(this.#deps.root, name));
  }

  /** From its file, or rebuilt. */
  async *read(digest: string, offset: number, size: number): AsyncGenerator<Uint8Array> {
    const { contentFiles } = this.#deps;
    if (offset > 0 || !this.has(digest) || existsSync(contentFiles.blob(digest))) {
      using _file = await this.restore(digest);
      yield* contentFiles.read(digest, offset, size);
      return;
    }
    let left = size;
    for await (const chunk of this.#rebuild(digest)) {
      yield chunk.subarray(0, left);
      left -= chunk.length;
      if (left <= 0) return;
    }
  }

  /** All of it; its last bytes only if it has turned out to be that blob. */
  #rebuild(digest: string): AsyncIterable<Uint8Array> {
    const row = this.#get.get(digest);
    if (row === undefined) throw systemError(`content digest ${digest} has no record`);
    const request = { record: this.#recordOf(digest), digest };
    return this.#deps.threads.rebuildBlob(
      this.#plan(readInteger(row, "snapshot")),
      request,
      this.#deps.signal,
    );
  }

  /** The blob's file is there until what it returns is disposed. At once for blobs that were never discarded. */
  async restore(digest: string): Promise<Disposable> {
    using undo = new DisposableStack();
    undo.use(this.#hold(digest));
    const running = this.#restoring.get(digest) ?? this.#restore(digest);
    this.#restoring.set(digest, running);
    await running.finally(() => this.#restoring.delete(digest));
    return undo.move();
  }

  /** While it is held the file is not removed. */
  #hold(digest: string): Disposable {
    const use = this.#uses.get(digest) ?? { users: 0 };
    this.#uses.set(digest, use);
    use.users++;
    clearTimeout(use.timer);
    return { [Symbol.dispose]: () => this.#leave(digest, use) };
  }

  /** Makes the blob of a committed snapshot's layer one that can be rebuilt, and deletes its file. Rejects `unsupported` if that
   *  cannot be; it then stays. One at a time. */
  async discard(digest: string, snapshot: number, signal: AbortSignal): Promise<void> {
    const { contentFiles, root, threads } = this.#deps;
    const made = join(root, `${NEW}${randomUUID()}`);
    mkdirSync(made, { mode: 0o700 });
    try {
      const blob = contentFiles.blob(digest);
      const maxSize = Math.floor(statSync(blob).size / 2);
      await threads.recordBlob(this.#plan(snapshot), { record: made, digest, blob, maxSize }, signal);
      this.#making = digest;
      await this.#keepRecord(digest, made);
      signal.throwIfAborted();
      this.#enter(digest, snapshot);
    } finally {
      await rm(made, { recursive: true, force: true });
      if (!this.has(digest)) await rm(this.#recordOf(digest), { recursive: true, force: true });
      this.#making = "";
    }
  }

  /** Its names too must be on the disk before the blob's file goes. */
  async #keepRecord(digest: string, made: string): Promise<void> {
    await syncDirectory(made);
    await rm(this.#recordOf(digest), { recursive: true, force: true });
    renameSync(made, this.#recordOf(digest));
    await syncDirectory(this.#deps.root);
  }

  /** Unless blob or snapshot are gone by now. Synchronous: nothing can go meanwhile. */
  #enter(digest: string, snapshot: number): void {
    const { database } = this.#deps;
    if (!isThere(database, digest, snapshot)) return;
    this.#insert.run(digest, snapshot, sizeOf(this.#recordOf(digest)));
    database.exec("PRAGMA wal_checkpoint(PASSIVE)"); // which waits for the disk
    this.#removeFile(digest);
  }

  /** Deletes the row, synchronously; what it returns deletes the record, if there was one. */
  forget(digest: string): (() => void) | undefined {
    if (this.#delete.run(digest).changes === 0) return undefined;
    return () => rmSync(this.#recordOf(digest), { recursive: true, force: true });
  }

  /** Before the snapshot is removed: the blobs that need it become files again. */
  async release(snapshot: number): Promise<void> {
    const rows = this.#deps.database.prepare("SELECT digest FROM rebuilds WHERE snapshot = ?").all(snapshot);
    for (const row of rows) {
      const digest = readText(row, "digest");
      using _file = await this.restore(digest);
      await syncFile(this.#deps.contentFiles.blob(digest));
      this.forget(digest)?.();
    }
  }

  usage(): RebuildUsage {
    const row = this.#deps.database
      .prepare(
        `SELECT count(*) AS blobs, ifnull(sum(record_size), 0) AS records,
         ifnull(sum((SELECT size FROM blobs b WHERE b.digest = r.digest LIMIT 1)), 0) AS bytes FROM rebuilds r`,
      )
      .get();
    return {
      blobs: readInteger(row, "blobs"),
      bytes: readInteger(row, "bytes"),
      recordBytes: readInteger(row, "records"),
    };
  }

  #recordOf(digest: string): string {
    return join(this.#deps.root, parseDigest(digest).encoded);
  }

  #plan(snapshot: number) {
    const lower = this.#deps.treesOf(snapshot);
    const [upper] = lower;
    if (upper === undefined) throw systemError("the snapshot of a layer is gone");
    return planLayers({ upper, lower }, this.#deps.scratch);
  }

  async #restore(digest: string): Promise<void> {
    const { contentFiles } = this.#deps;
    if (!this.has(digest) || existsSync(contentFiles.blob(digest))) return;
    const name = `rebuilt-${randomUUID()}`;
    try {
      await using file = await open(contentFiles.ingest(name), "wx", 0o600);
      for await (const chunk of this.#rebuild(digest)) await file.writeFile(chunk);
      contentFiles.publish(name, digest);
    } finally {
      contentFiles.removeIngest(name);
    }
  }

  #leave(digest: string, use: Use): void {
    use.users--;
    if (use.users > 0) return;
    if (!this.has(digest)) {
      this.#uses.delete(digest);
      return;
    }
    use.timer = setTimeout(() => {
      this.#uses.delete(digest);
      if (!this.#deps.signal.aborted && this.has(digest)) this.#removeFile(digest);
    }, RESTORED_MS).unref();
  }

  /** Unless somebody needs it as a file. */
  #removeFile(digest: string): void {
    if ((this.#uses.get(digest)?.users ?? 0) === 0) this.#deps.contentFiles.removeBlob(digest);
  }
}

const isThere = (database: DatabaseSync, digest: string, snapshot: number): boolean =>
  database.prepare("SELECT 1 FROM blobs WHERE digest = ?").get(digest) !== undefined &&
  database.prepare("SELECT 1 FROM snapshots WHERE id = ?").get(snapshot) !== undefined;

const sizeOf = (directory: string): number =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}
