import type { StatementSync } from "node:sqlite";
import { inTransaction } from "#base/database.ts";
import { alreadyExists, invalidArgument, missing } from "../failures.ts";
import { parseFilters, readerOf } from "../filters.ts";
import type { Metadata } from "../metadata.ts";
import { encodeLabels, type Row, readDate, readLabels, readText } from "../rows.ts";
import type { Labels, Scope } from "../scope.ts";
import type { Lease, LeaseResource, LeaseService } from "./leases.ts";

interface LocalLeasesDeps {
  readonly metadata: Metadata;
  /** Runs a garbage collection to its end. */
  readonly collect: () => Promise<void>;
}

export class LocalLeases implements LeaseService {
  readonly #deps: LocalLeasesDeps;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteResources: StatementSync;
  readonly #addResource: StatementSync;
  readonly #deleteResource: StatementSync;
  readonly #resources: StatementSync;

  constructor(deps: LocalLeasesDeps) {
    this.#deps = deps;
    const { database } = deps.metadata;
    this.#get = database.prepare("SELECT * FROM leases WHERE namespace = ? AND id = ?");
    this.#list = database.prepare("SELECT * FROM leases WHERE namespace = ? ORDER BY id");
    this.#insert = database.prepare(
      "INSERT OR IGNORE INTO leases (namespace, id, labels, created) VALUES (?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM leases WHERE namespace = ? AND id = ?");
    this.#deleteResources = database.prepare("DELETE FROM lease_resources WHERE namespace = ? AND lease = ?");
    this.#addResource = database.prepare(
      "INSERT OR IGNORE INTO lease_resources (namespace, lease, type, id) VALUES (?, ?, ?, ?)",
    );
    this.#deleteResource = database.prepare(
      "DELETE FROM lease_resources WHERE namespace = ? AND lease = ? AND type = ? AND id = ?",
    );
    this.#resources = database.prepare(
      "SELECT type, id FROM lease_resources WHERE namespace = ? AND lease = ? ORDER BY type, id",
    );
  }

  async create(scope: Scope, id: string, labels: Labels): Promise<Lease> {
    // Clients end them with anything; no path is made of them.
    if (id === "" || id.length > 255) throw invalidArgument("a lease needs an id of up to 255 characters");
    const namespace = this.#deps.metadata.enterNamespace(scope);
    const now = this.#deps.metadata.now();
    if (this.#insert.run(namespace, id, encodeLabels(labels), now).changes === 0)
      throw alreadyExists(`lease ${JSON.stringify(id)}`);
    return { id, labels, createdAt: new Date(now) };
  }

  async delete(scope: Scope, id: string, sync: boolean): Promise<void> {
    this.#getLease(scope, id);
    inTransaction(this.#deps.metadata.database, () => {
      this.#delete.run(scope.namespace, id);
      this.#deleteResources.run(scope.namespace, id);
    });
    if (sync) await this.#deps.collect();
    else this.#deps.metadata.requestCollection();
  }

  async list(scope: Scope, filters: readonly string[]): Promise<readonly Lease[]> {
    const matches = parseFilters(filters);
    return this.#list
      .all(scope.namespace)
      .map(decode)
      .filter((lease) => matches(readerOf({ id: lease.id }, lease.labels)));
  }

  async addResource(scope: Scope, id: string, resource: LeaseResource): Promise<void> {
    this.#getLease(scope, id);
    this.#addResource.run(scope.namespace, id, resource.type, resource.id);
  }

  async deleteResource(scope: Scope, id: string, resource: LeaseResource): Promise<void> {
    this.#getLease(scope, id);
    this.#deleteResource.run(scope.namespace, id, resource.type, resource.id);
    this.#deps.metadata.requestCollection();
  }

  async listResources(scope: Scope, id: string): Promise<readonly LeaseResource[]> {
    this.#getLease(scope, id);
    return this.#resources
      .all(scope.namespace, id)
      .map((row) => ({ id: readText(row, "id"), type: readText(row, "type") }));
  }

  #getLease(scope: Scope, id: string): Lease {
    const row = this.#get.get(scope.namespace, id);
    if (row === undefined) throw missing(`lease ${JSON.stringify(id)}`);
    return decode(row);
  }
}

const decode = (row: Row): Lease => ({
  id: readText(row, "id"),
  labels: readLabels(row),
  createdAt: readDate(row, "created"),
});
