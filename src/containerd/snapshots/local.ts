// Snapshots on this machine: a directory for each, their order in the database; stacked by overlayfs, or whole trees.

import type { StatementSync } from "node:sqlite";
import { inTransaction } from "#base/database.ts";
import { literal } from "#base/decode.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { alreadyExists, errnoOf, failedPrecondition, invalidArgument, missing } from "../failures.ts";
import { parseFilters, readerOf } from "../filters.ts";
import type { Metadata } from "../metadata.ts";
import {
  encodeLabels,
  isNull,
  maskLabels,
  type Row,
  readDate,
  readInteger,
  readLabels,
  readText,
} from "../rows.ts";
import type { Labels, Scope } from "../scope.ts";
import { planNativeMounts } from "./native-mounts.ts";
import { filesOf, planOverlayMounts } from "./overlay-mounts.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";
import type { SnapshotInfo, Snapshotter, SnapshotUsage } from "./snapshotter.ts";
import type { SnapshotterName } from "./snapshotter-name.ts";
import { measureTree } from "./usage.ts";

interface LocalSnapshotsDeps {
  readonly metadata: Metadata;
  readonly files: SnapshotFiles;
  readonly name: SnapshotterName;
  /** Makes a directory what another one is. */
  readonly copyTree: (from: string, to: string) => Promise<void>;
  /** Before a committed snapshot is removed, by its number: what is rebuilt from it no longer can be. */
  readonly beforeRemoval: (id: number) => Promise<void>;
  /** Aborts when the layer closes. */
  readonly signal: AbortSignal;
}

interface NewSnapshot {
  readonly kind: "active" | "view";
  readonly key: string;
  readonly parent: string;
  readonly labels: Labels;
}

export class LocalSnapshotter implements Snapshotter, AsyncDisposable {
  readonly name: SnapshotterName;
  readonly #deps: LocalSnapshotsDeps;
  readonly #leaseType: string;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #ancestors: StatementSync;
  readonly #hasChild: StatementSync;
  readonly #insert: StatementSync;
  readonly #commit: StatementSync;
  readonly #setLabels: StatementSync;
  readonly #setUsage: StatementSync;
  readonly #delete: StatementSync;

  constructor(deps: LocalSnapshotsDeps) {
    this.#deps = deps;
    this.name = deps.name;
    this.#leaseType = `snapshots/${deps.name}`;
    const { database } = deps.metadata;
    const select =
      "SELECT s.*, p.key AS parent_key FROM snapshots s LEFT JOIN snapshots p ON p.id = s.parent";
    this.#get = database.prepare(`${select} WHERE s.namespace = ? AND s.key = ?`);
    this.#list = database.prepare(`${select} WHERE s.namespace = ? ORDER BY s.key`);
    this.#ancestors = database.prepare(`
      WITH RECURSIVE chain (id, parent, depth) AS (
        SELECT id, parent, 0 FROM snapshots WHERE id = ?
        UNION ALL SELECT s.id, s.parent, depth + 1 FROM snapshots s JOIN chain ON s.id = chain.parent
      ) SELECT id FROM chain ORDER BY depth`);
    this.#hasChild = database.prepare("SELECT key FROM snapshots WHERE parent = ? LIMIT 1");
    this.#insert = database.prepare(
      `INSERT OR IGNORE INTO snapshots (namespace, key, parent, kind, labels, created, updated, leased)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#commit = database.prepare(
      "UPDATE OR IGNORE snapshots SET key = ?, kind = 'committed', labels = ?, updated = ? WHERE id = ?",
    );
    this.#setLabels = database.prepare("UPDATE snapshots SET labels = ?, updated = ? WHERE id = ?");
    this.#setUsage = database.prepare("UPDATE snapshots SET size = ?, inodes = ? WHERE id = ?");
    this.#delete = database.prepare("DELETE FROM snapshots WHERE id = ?");
    const known = database.prepare("SELECT 1 FROM snapshots WHERE id = ?");
    deps.files.sweep((id) => known.get(id) !== undefined);
  }

  /** containerd's clients look so whether a layer is unpacked already. */
  async stat(scope: Scope, key: string): Promise<SnapshotInfo> {
    const info = decode(this.#find(scope, key));
    if (info.kind === "committed") this.#deps.metadata.keepFound(scope, { id: key, type: this.#leaseType });
    return info;
  }

  async update(scope: Scope, key: string, labels: Labels, fields: readonly string[]): Promise<SnapshotInfo> {
    const row = this.#find(scope, key);
    const text = encodeLabels(maskLabels(decode(row).labels, labels, fields));
    this.#setLabels.run(text, this.#deps.metadata.now(), readInteger(row, "id"));
    return this.stat(scope, key);
  }

  /** A committed tree never changes: it is measured once, when somebody asks. */
  async usage(scope: Scope, key: string): Promise<SnapshotUsage> {
    const row = this.#find(scope, key);
    if (decode(row).kind === "view") return { size: 0, inodes: 0 };
    if (!isNull(row, "size")) return { size: readInteger(row, "size"), inodes: readInteger(row, "inodes") };
    const id = readInteger(row, "id");
    const usage = await measureTree(`${this.#deps.files.directory(id)}/fs`, this.#deps.signal);
    if (decode(row).kind === "committed") this.#setUsage.run(usage.size, usage.inodes, id);
    return usage;
  }

  async mounts(scope: Scope, key: string): Promise<readonly Mount[]> {
    const row = this.#find(scope, key);
    const { kind } = decode(row);
    if (kind === "committed")
      throw failedPrecondition(
        `failed to get ${this.name === "native" ? "snapshot" : "active"} mount: requested snapshot ${key} not active or view`,
      );
    return this.#mountsOf(readInteger(row, "id"), kind);
  }

  async prepare(scope: Scope, key: string, parent: string, labels: Labels): Promise<readonly Mount[]> {
    return this.#make(scope, { kind: "active", key, parent, labels });
  }

  async view(scope: Scope, key: string, parent: string, labels: Labels): Promise<readonly Mount[]> {
    return this.#make(scope, { kind: "view", key, parent, labels });
  }

  async commit(scope: Scope, name: string, key: string, labels: Labels): Promise<void> {
    checkKey(name);
    if (this.#get.get(scope.namespace, name) !== undefined)
      throw alreadyExists(`snapshot ${JSON.stringify(name)}`);
    const row = this.#find(scope, key);
    if (decode(row).kind !== "active")
      throw failedPrecondition(`failed to commit snapshot: snapshot ${JSON.stringify(key)} is not active`);
    const { metadata } = this.#deps;
    inTransaction(metadata.database, () => {
      const text = encodeLabels({ ...readLabels(row), ...labels });
      if (this.#commit.run(name, text, metadata.now(), readInteger(row, "id")).changes === 0)
        throw alreadyExists(`snapshot ${JSON.stringify(name)}`);
      metadata.keep(scope, { id: name, type: this.#leaseType });
    });
    metadata.publish(scope, { topic: "/snapshot/commit", key, name });
  }

  async remove(scope: Scope, key: string): Promise<void> {
    const id = readInteger(this.#find(scope, key), "id");
    if (this.#hasChild.get(id) === undefined) await this.#deps.beforeRemoval(id);
    this.drop(scope, key)();
    this.#deps.metadata.requestCollection(); // of what it was made from
  }

  /** Removes the record, synchronously. The tree goes when what it returns is called: after the transaction, so that a record
   *  never outlives its tree, whenever the process is killed. */
  drop(scope: Scope, key: string): () => void {
    const id = readInteger(this.#find(scope, key), "id");
    const child = this.#hasChild.get(id);
    if (child !== undefined) throw failedPrecondition("cannot remove snapshot with child");
    this.#delete.run(id);
    return () => {
      this.#discard(id);
      this.#deps.metadata.publish(scope, { topic: "/snapshot/remove", key });
    };
  }

  async *list(scope: Scope, filters: readonly string[]): AsyncGenerator<SnapshotInfo> {
    const matches = parseFilters(filters);
    for (const row of this.#list.all(scope.namespace)) {
      const info = decode(row);
      if (matches(readerOf({ name: info.name, parent: info.parent, kind: info.kind }, info.labels)))
        yield info;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deps.files.settle();
  }

  /** The directories that make up its tree, the topmost first. */
  treesOf(id: number): readonly string[] {
    const trees = this.#directories(id).map(filesOf);
    return this.name === "native" ? trees.slice(0, 1) : trees;
  }

  async #make(scope: Scope, wanted: NewSnapshot): Promise<readonly Mount[]> {
    checkKey(wanted.key);
    const { metadata, files } = this.#deps;
    const namespace = metadata.enterNamespace(scope);
    const id = inTransaction(metadata.database, () => {
      const parent = wanted.parent === "" ? undefined : this.#findParent(scope, wanted.parent);
      const now = metadata.now();
      const { changes, lastInsertRowid } = this.#insert.run(
        namespace,
        wanted.key,
        parent ?? null,
        wanted.kind,
        encodeLabels(wanted.labels),
        now,
        now,
        scope.lease === undefined ? 0 : 1,
      );
      if (changes === 0) throw alreadyExists(`snapshot ${JSON.stringify(wanted.key)}`);
      metadata.keep(scope, { id: wanted.key, type: this.#leaseType });
      files.make(Number(lastInsertRowid), wanted.kind, parent);
      return Number(lastInsertRowid);
    });
    await this.#fill(scope, wanted.key, id);
    metadata.publish(scope, { topic: "/snapshot/prepare", key: wanted.key, parent: wanted.parent });
    return this.#mountsOf(id, wanted.kind);
  }

  /** A native snapshot that is written to begins as a copy. */
  async #fill(scope: Scope, key: string, id: number): Promise<void> {
    const [directory = "", parent] = this.#directories(id);
    if (this.name !== "native" || parent === undefined) return;
    if (decode(this.#find(scope, key)).kind !== "active") return;
    try {
      await this.#deps.copyTree(filesOf(parent), filesOf(directory));
    } catch (error) {
      this.drop(scope, key)();
      throw error;
    }
  }

  #findParent(scope: Scope, key: string): number {
    const row = this.#get.get(scope.namespace, key);
    if (row === undefined) throw missing(`parent snapshot ${key} does not exist`);
    if (decode(row).kind !== "committed")
      throw invalidArgument(
        `failed to create snapshot: parent ${JSON.stringify(key)} is not committed snapshot`,
      );
    return readInteger(row, "id");
  }

  #find(scope: Scope, key: string): Row {
    const row = this.#get.get(scope.namespace, key);
    if (row === undefined) throw missing(`snapshot ${key} does not exist`);
    return row;
  }

  #mountsOf(id: number, kind: SnapshotInfo["kind"]): readonly Mount[] {
    const [directory = "", ...ancestors] = this.#directories(id);
    const plan = this.name === "native" ? planNativeMounts : planOverlayMounts;
    return plan({ kind, directory, ancestors });
  }

  /** Its own, then its ancestors'. */
  #directories(id: number): readonly string[] {
    return this.#ancestors.all(id).map((row) => this.#deps.files.directory(readInteger(row, "id")));
  }

  #discard(id: number): void {
    try {
      this.#deps.files.discard(id);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }
}

function checkKey(key: string): void {
  if (key === "") throw invalidArgument("snapshot key must not be empty");
}

const decodeKind = literal("view", "active", "committed");

const decode = (row: Row): SnapshotInfo => ({
  name: readText(row, "key"),
  parent: isNull(row, "parent_key") ? "" : readText(row, "parent_key"),
  kind: decodeKind(readText(row, "kind"), "kind"),
  createdAt: readDate(row, "created"),
  updatedAt: readDate(row, "updated"),
  labels: readLabels(row),
});
