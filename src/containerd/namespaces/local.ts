import type { DatabaseSync, StatementSync } from "node:sqlite";
import { alreadyExists, failedPrecondition, missing } from "../failures.ts";
import { checkIdentifier } from "../identifiers.ts";
import type { Metadata } from "../metadata.ts";
import { encodeLabels, maskLabels, type Row, readLabels, readText } from "../rows.ts";
import type { Labels, Scope } from "../scope.ts";
import type { NamespaceRecord, Namespaces } from "./namespaces.ts";

type Emit = Metadata["publish"];

const populated = ["blobs", "ingests", "images", "snapshots", "containers", "leases"];

export class LocalNamespaces implements Namespaces {
  readonly #emit: Emit;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #populated: StatementSync;
  /** Namespaces known to be in the table: entering one is on every request's path. */
  readonly #known = new Set<string>();

  constructor(database: DatabaseSync, emit: Emit) {
    this.#emit = emit;
    this.#get = database.prepare("SELECT name, labels FROM namespaces WHERE name = ?");
    this.#list = database.prepare("SELECT name, labels FROM namespaces ORDER BY name");
    this.#insert = database.prepare("INSERT OR IGNORE INTO namespaces (name, labels) VALUES (?, ?)");
    this.#update = database.prepare("UPDATE namespaces SET labels = ? WHERE name = ?");
    this.#delete = database.prepare("DELETE FROM namespaces WHERE name = ?");
    this.#populated = database.prepare(
      populated.map((table) => `SELECT 1 AS found FROM ${table} WHERE namespace = :name`).join(" UNION ALL "),
    );
  }

  enter({ namespace }: Scope): string {
    if (this.#known.has(namespace)) return namespace;
    checkIdentifier("namespace", namespace);
    this.#insert.run(namespace, "{}");
    this.#known.add(namespace);
    return namespace;
  }

  async get(name: string): Promise<NamespaceRecord> {
    return decode(this.#get.get(name) ?? missingNamespace(name));
  }

  async list(): Promise<readonly NamespaceRecord[]> {
    return this.#list.all().map(decode);
  }

  async create(name: string, labels: Labels): Promise<NamespaceRecord> {
    checkIdentifier("namespace", name);
    if (this.#insert.run(name, encodeLabels(labels)).changes === 0)
      throw alreadyExists(`namespace ${JSON.stringify(name)}`);
    this.#emit({ namespace: name }, { topic: "/namespaces/create", name, labels });
    return { name, labels };
  }

  async update(name: string, labels: Labels, fields: readonly string[]): Promise<NamespaceRecord> {
    const current = await this.get(name);
    this.#update.run(
      encodeLabels(maskLabels(current.labels, labels, fields.length === 0 ? ["labels"] : fields)),
      name,
    );
    const updated = await this.get(name);
    this.#emit({ namespace: name }, { topic: "/namespaces/update", name, labels: updated.labels });
    return updated;
  }

  async delete(name: string): Promise<void> {
    if (this.#populated.get({ name }) !== undefined)
      throw failedPrecondition(`namespace ${JSON.stringify(name)} must be empty`);
    if (this.#delete.run(name).changes === 0) missingNamespace(name);
    this.#known.delete(name);
    this.#emit({ namespace: name }, { topic: "/namespaces/delete", name });
  }
}

const decode = (row: Row): NamespaceRecord => ({ name: readText(row, "name"), labels: readLabels(row) });

function missingNamespace(name: string): never {
  throw missing(`namespace ${JSON.stringify(name)}`);
}
