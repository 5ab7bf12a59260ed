// The content store: files named by digest, made visible per namespace by rows of the database.

import type { StatementSync } from "node:sqlite";
import { inTransaction } from "#base/database.ts";
import { EngineError } from "#base/errors.ts";
import { parseDigest } from "#formats/digest.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import { alreadyExists, invalidArgument, missing } from "../failures.ts";
import { parseFilters, readerOf } from "../filters.ts";
import type { Metadata } from "../metadata.ts";
import type { Rebuilds } from "../rebuild/rebuilds.ts";
import { encodeLabels, maskLabels, type Row, readDate, readInteger, readLabels, readText } from "../rows.ts";
import type { Labels, Scope } from "../scope.ts";
import type { BlobInfo, ContentStore, ContentWriter, IngestStatus } from "./content.ts";
import type { ContentFiles } from "./content-files.ts";
import type { HashThread } from "./hash-thread.ts";
import { openIngest } from "./open-ingest.ts";
import { LocalWriter } from "./writer.ts";

/** As with containerd. */
const INGEST_LIFE_MS = 24 * 3600 * 1000;

interface LocalContentDeps {
  readonly metadata: Metadata;
  readonly files: ContentFiles;
  readonly hashes: HashThread;
  /** Where blobs are discarded. */
  readonly rebuilds: Pick<Rebuilds, "forget" | "read"> | undefined;
}

interface ReadRange {
  readonly offset: number;
  readonly size: number;
}

export class LocalContent implements ContentStore {
  readonly #deps: LocalContentDeps;
  readonly #open = new Set<string>();
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #anywhere: StatementSync;
  readonly #insert: StatementSync;
  readonly #setLabels: StatementSync;
  readonly #delete: StatementSync;
  readonly #ingests: StatementSync;
  readonly #insertIngest: StatementSync;
  readonly #deleteIngest: StatementSync;

  constructor(deps: LocalContentDeps) {
    this.#deps = deps;
    const { database } = deps.metadata;
    this.#get = database.prepare("SELECT * FROM blobs WHERE namespace = ? AND digest = ?");
    this.#list = database.prepare("SELECT * FROM blobs WHERE namespace = ? ORDER BY digest");
    this.#anywhere = database.prepare("SELECT size FROM blobs WHERE digest = ? LIMIT 1");
    this.#insert = database.prepare(
      "INSERT OR IGNORE INTO blobs (namespace, digest, size, labels, created, updated) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#setLabels = database.prepare(
      "UPDATE blobs SET labels = ?, updated = ? WHERE namespace = ? AND digest = ?",
    );
    this.#delete = database.prepare("DELETE FROM blobs WHERE namespace = ? AND digest = ?");
    this.#ingests = database.prepare("SELECT * FROM ingests WHERE namespace = ? ORDER BY ref");
    this.#insertIngest = database.prepare(
      `INSERT INTO ingests (namespace, ref, file, total, expected, started) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET total = max(total, excluded.total), expected = excluded.expected`,
    );
    this.#deleteIngest = database.prepare("DELETE FROM ingests WHERE namespace = ? AND ref = ?");
    const known = database.prepare("SELECT 1 FROM ingests WHERE file = ?");
    deps.files.sweep({
      ingest: (name) => known.get(name) !== undefined,
      blob: (digest) => this.#anywhere.get(digest) !== undefined,
    });
    this.#forgetLostIngests();
  }

  /** Those that a process which was killed had made blobs, or not begun to write. */
  #forgetLostIngests(): void {
    const { metadata, files } = this.#deps;
    for (const row of metadata.database.prepare("SELECT * FROM ingests").all())
      if (!files.hasIngest(readText(row, "file")))
        this.#deleteIngest.run(readText(row, "namespace"), readText(row, "ref"));
  }

  async info(scope: Scope, digest: string): Promise<BlobInfo> {
    return decode(this.#find(scope, digest));
  }

  async update(scope: Scope, digest: string, labels: Labels, fields: readonly string[]): Promise<BlobInfo> {
    const current = decode(this.#find(scope, digest));
    const text = encodeLabels(maskLabels(current.labels, labels, fields));
    this.#setLabels.run(text, this.#deps.metadata.now(), scope.namespace, digest);
    return decode(this.#find(scope, digest));
  }

  async *list(scope: Scope, filters: readonly string[]): AsyncGenerator<BlobInfo> {
    const matches = parseFilters(filters);
    for (const row of this.#list.all(scope.namespace)) {
      const info = decode(row);
      if (matches(readerOf({ digest: info.digest, size: String(info.size) }, info.labels))) yield info;
    }
  }

  async delete(scope: Scope, digest: string): Promise<void> {
    this.drop(scope, digest)();
  }

  /** Removes the record, synchronously. The file goes when what it returns is called: after the transaction, so that a record
   *  never outlives its file, whenever the process is killed. */
  drop(scope: Scope, digest: string): () => void {
    if (this.#delete.run(scope.namespace, digest).changes === 0) throw missing(`content digest ${digest}`);
    const isLast = this.#anywhere.get(digest) === undefined;
    const forget = isLast ? this.#deps.rebuilds?.forget(digest) : undefined;
    return () => {
      forget?.();
      if (forget !== undefined) this.#deps.metadata.requestCollection(); // of what it could be rebuilt from
      if (this.#anywhere.get(digest) === undefined) this.#deps.files.removeBlob(digest);
      this.#deps.metadata.publish(scope, { topic: "/content/delete", digest });
    };
  }

  async *read(scope: Scope, digest: string, range?: ReadRange): AsyncGenerator<Uint8Array> {
    const { size } = decode(this.#find(scope, digest));
    const offset = range?.offset ?? 0;
    if (offset < 0 || offset > size)
      throw new EngineError("outOfRange", `content ${digest}: read past the end: out of range`);
    const wanted =
      range === undefined || range.size <= 0 ? size - offset : Math.min(range.size, size - offset);
    yield* (this.#deps.rebuilds ?? this.#deps.files).read(digest, offset, wanted);
  }

  async openWriter(
    scope: Scope,
    ref: string,
    expected?: Pick<Descriptor, "digest" | "size">,
  ): Promise<ContentWriter> {
    if (ref === "") throw invalidArgument("ref must not be empty");
    const { metadata, files, hashes } = this.#deps;
    const namespace = metadata.enterNamespace(scope);
    const digest = expected?.digest ?? "";
    if (digest !== "") this.#refuseKnown(scope, digest);
    const key = `${namespace}\0${ref}`;
    if (this.#open.has(key)) throw new EngineError("unavailable", `ref ${ref} locked: unavailable`);
    this.#open.add(key);
    const release = (): void => void this.#open.delete(key);
    try {
      const name = files.ingestName(namespace, ref);
      const { file, size } = await openIngest(files.ingest(name));
      this.#insertIngest.run(namespace, ref, name, expected?.size ?? 0, digest, metadata.now());
      const publish = (committed: string, length: number, labels: Labels): void =>
        this.#publish(scope, ref, { name, digest: committed, size: length, labels });
      const discard = (): void => this.#forget(scope, ref, name);
      const ingest = { path: files.ingest(name), expected: digest, file, hashes, publish, discard, release };
      return new LocalWriter(ingest, size, expected?.size ?? 0);
    } catch (error) {
      release();
      throw error;
    }
  }

  async statuses(scope: Scope, filters: readonly string[]): Promise<readonly IngestStatus[]> {
    const matches = parseFilters(filters);
    return this.#ingests
      .all(scope.namespace)
      .map((row) => this.#decodeStatus(row))
      .filter(({ ref }) => matches(readerOf({ ref }, {})));
  }

  async abort(scope: Scope, ref: string): Promise<void> {
    const { files } = this.#deps;
    if (this.#open.has(`${scope.namespace}\0${ref}`))
      throw new EngineError("unavailable", `ref ${ref} locked: unavailable`);
    if (this.#deleteIngest.run(scope.namespace, ref).changes === 0) throw missing(`ingest ref ${ref}`);
    files.removeIngest(files.ingestName(scope.namespace, ref));
  }

  /** Forgets ingests that nobody has written to for a day. Returns the milliseconds until the next one's day is over. */
  expireIngests(): number | undefined {
    const { metadata, files } = this.#deps;
    let next = Number.POSITIVE_INFINITY;
    for (const row of metadata.database.prepare("SELECT * FROM ingests").all()) {
      const [namespace, ref] = [readText(row, "namespace"), readText(row, "ref")];
      if (this.#open.has(`${namespace}\0${ref}`)) continue;
      const left = this.#decodeStatus(row).updatedAt.getTime() + INGEST_LIFE_MS - metadata.now();
      if (left > 0) next = Math.min(next, left, INGEST_LIFE_MS);
      else if (this.#deleteIngest.run(namespace, ref).changes > 0) files.removeIngest(readText(row, "file"));
    }
    return Number.isFinite(next) ? next : undefined;
  }

  #find(scope: Scope, digest: string): Row {
    const row = this.#get.get(scope.namespace, digest);
    if (row === undefined) throw missing(`content digest ${digest}`);
    return row;
  }

  /** Content that another namespace has becomes visible in this one too, without being sent again. */
  #refuseKnown(scope: Scope, digest: string): void {
    parseDigest(digest);
    const { metadata } = this.#deps;
    const found = this.#get.get(scope.namespace, digest) ?? this.#anywhere.get(digest);
    if (found === undefined) return;
    const now = metadata.now();
    this.#insert.run(scope.namespace, digest, readInteger(found, "size"), "{}", now, now);
    metadata.keep(scope, { id: digest, type: "content" });
    throw alreadyExists(`content ${digest}`);
  }

  #publish(
    scope: Scope,
    ref: string,
    blob: { readonly name: string } & Pick<BlobInfo, "digest" | "size" | "labels">,
  ): void {
    const { metadata, files } = this.#deps;
    const now = metadata.now();
    const { digest, size } = blob;
    const added = inTransaction(metadata.database, () => {
      const text = encodeLabels(blob.labels);
      this.#deleteIngest.run(scope.namespace, ref);
      const { changes } = this.#insert.run(scope.namespace, digest, size, text, now, now);
      metadata.keep(scope, { id: digest, type: "content" });
      files.publish(blob.name, digest);
      return changes > 0;
    });
    if (!added) throw alreadyExists(`content ${digest}`);
    metadata.publish(scope, { topic: "/content/create", digest, size });
  }

  #forget(scope: Scope, ref: string, name: string): void {
    this.#deleteIngest.run(scope.namespace, ref);
    this.#deps.files.removeIngest(name);
  }

  #decodeStatus(row: Row): IngestStatus {
    const started = readDate(row, "started");
    const { size, updated } = this.#deps.files.ingestSize(readText(row, "file"));
    return {
      ref: readText(row, "ref"),
      offset: size,
      total: readInteger(row, "total"),
      expected: readText(row, "expected"),
      startedAt: started,
      updatedAt: updated === 0 ? started : new Date(updated),
    };
  }
}

const decode = (row: Row): BlobInfo => ({
  digest: readText(row, "digest"),
  size: readInteger(row, "size"),
  createdAt: readDate(row, "created"),
  updatedAt: readDate(row, "updated"),
  labels: readLabels(row),
});
