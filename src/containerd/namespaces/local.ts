import type { DatabaseSync, StatementSync } from "node:sqlite";
import { alreadyExists, failedPrecondition, missing } from "../failures.ts";
import { checkIdentifier } from "../identifiers.ts";
import type { Metadata } from "../metadata.ts";
import { encodeLabels, maskLabels, type Row, readLabels, readText } from "../rows.ts";
import type { Labels, Scope } from "../scope.ts";
import type { SnapshotterName } from "../snapshots/snapshotter-name.ts";
import type { NamespaceRecord, Namespaces } from "./namespaces.ts";

type Emit = Metadata["publish"];

/** Tables that must hold nothing of a namespace that is deleted, in the words of the refusal. */
const populatedBy = (snapshotter: SnapshotterName): Readonly<Record<string, string>> => ({
  images: "images",
  blobs: "blobs",
  ingests: "ingests",
  containers: "containers",
  leases: "leases",
  snapshots: `snapshots on "${snapshotter}" snapshotter`,
});

export class LocalNamespaces implements Namespaces {
  readonly #emit: Emit;
  readonly #words: Readonly<Record<string, string>>;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #populated: StatementSync;
  /** Namespaces known to be in the table: entering one is on every request's path. */
  readonly #known = new Set<string>();

  constructor(database: DatabaseSync, emit: Emit, snapshotter: SnapshotterName) {
    this.#emit = emit;
    this.#words = populatedBy(snapshotter);
    this.#get = database.prepare("SELECT name, labels FROM namespaces WHERE name = ?");
    this.#list = database.prepare("SELECT name, labels FROM namespaces ORDER BY name");
    this.#insert = database.prepare("INSERT OR IGNORE INTO namespaces (name, labels) VALUES (?, ?)");
    this.#update = database.prepare("UPDATE namespaces SET labels = ? WHERE name = ?");
    this.#delete = database.prepare("DELETE FROM namespaces WHERE name = ?");
    this.#populated = database.prepare(
      Object.keys(this.#words)
        .map(
          (table) =>
            `SELECT '${table}' AS found WHERE EXISTS (SELECT 1 FROM ${table} WHERE namespace = :name)`,
        )
        .join(" UNION ALL "),
    );
  }

  enter({ namespace }: Scope): string {
    if (this.#known.has(namespace)) return namespace;
    checkIdentifier("namespace validation: ", namespace);
    this.#insert.run(namespace, "{}");
    this.#known.add(namespace);
    return namespace;
  }

  async get(name: string): Promise<NamespaceRecord> {
    const row = this.#get.get(name);
    return row === undefined ? { name, labels: {} } : decode(row);
  }

  async list(): Promise<readonly NamespaceRecord[]> {
    return this.#list.all().map(decode);
  }

  async create(name: string, labels: Labels): Promise<NamespaceRecord> {
    checkIdentifier("", name);
    if (this.#insert.run(name, encodeLabels(labels)).changes === 0)
      throw alreadyExists(`namespace ${JSON.stringify(name)}`);
    this.#emit({ namespace: name }, { topic: "/namespaces/create", name, labels });
    return { name, labels };
  }

  async update(name: string, labels: Labels, fields: readonly string[]): Promise<NamespaceRecord> {
    const current = await this.get(name);
    this.enter({ namespace: name });
    this.#update.run(
      encodeLabels(maskLabels(current.labels, labels, fields.length === 0 ? ["labels"] : fields)),
      name,
    );
    const updated = await this.get(name);
    this.#emit({ namespace: name }, { topic: "/namespaces/update", name, labels: updated.labels });
    return updated;
  }

  async delete(name: string): Promise<void> {
    const left = this.#populated.all({ name }).map((row) => this.#words[readText(row, "found")]);
    if (left.length > 0)
      throw failedPrecondition(
        `namespace ${JSON.stringify(name)} must be empty, but it still has ${left.join(", ")}`,
      );
    if (this.#delete.run(name).changes === 0) throw missing(`namespace ${JSON.stringify(name)}`);
    this.#known.delete(name);
    this.#emit({ namespace: name }, { topic: "/namespaces/delete", name });
  }
}

const decode = (row: Row): NamespaceRecord => ({ name: readText(row, "name"), labels: readLabels(row) });
