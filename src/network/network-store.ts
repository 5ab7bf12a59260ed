// The networks that are kept over restarts: those that every engine has, and the user's.
//
// A user's network is written down before anything of it is made, and marked before anything of it is removed: whatever is killed when, the next
// daemon knows what there may be.
//
//   create: making -> ready          remove: ready -> removing -> (gone)

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { inTransaction, openDatabase } from "#base/database.ts";
import { ADDRESSES_SCHEMA, AddressJournal } from "./address-journal.ts";
import { EndpointJournal, JOURNAL_SCHEMA } from "./endpoint-journal.ts";
import { decodeNetworkRecord, type NetworkRecord } from "./network-spec.ts";

const SCHEMA = [
  "CREATE TABLE network (name TEXT PRIMARY KEY, id TEXT NOT NULL, created INTEGER NOT NULL)",
  "CREATE TABLE user_network (id TEXT PRIMARY KEY, phase TEXT NOT NULL, record TEXT NOT NULL) STRICT",
  JOURNAL_SCHEMA,
  ADDRESSES_SCHEMA,
];

export interface NetworkIdentity {
  readonly id: string;
  readonly createdAt: number;
}

export class NetworkStore {
  readonly #database: DatabaseSync;
  readonly endpoints: EndpointJournal;
  readonly addresses: AddressJournal;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.endpoints = new EndpointJournal(database);
    this.addresses = new AddressJournal(database);
  }

  /** Closed with `undo`, unless that is moved before: then by `close`. */
  static open(dataRoot: string, undo: DisposableStack): NetworkStore {
    const store = new NetworkStore(openDatabase(join(dataRoot, "network.db"), SCHEMA));
    undo.defer(() => store.close());
    return store;
  }

  /** The identities of the networks that every engine has; those that are missing are made. */
  identify(names: readonly string[]): ReadonlyMap<string, NetworkIdentity> {
    const insert = this.#database.prepare(
      "INSERT OR IGNORE INTO network (name, id, created) VALUES (?, ?, ?)",
    );
    inTransaction(this.#database, () => {
      for (const name of names) insert.run(name, randomBytes(32).toString("hex"), Date.now());
    });
    const rows = this.#database.prepare("SELECT name, id, created FROM network").all();
    return new Map(
      rows.map((row) => [String(row.name), { id: String(row.id), createdAt: Number(row.created) }]),
    );
  }

  /** In the order of their creation; `half`: those whose creation or removal did not come to its end. */
  load(): { readonly ready: readonly NetworkRecord[]; readonly half: readonly NetworkRecord[] } {
    const rows = this.#database.prepare("SELECT phase, record FROM user_network ORDER BY rowid").all();
    const recordsOf = (isReady: boolean) =>
      rows
        .filter(({ phase }) => (phase === "ready") === isReady)
        .map(({ record }) => decodeNetworkRecord(JSON.parse(String(record)), "network"));
    return { ready: recordsOf(true), half: recordsOf(false) };
  }

  addMaking(record: NetworkRecord): void {
    const insert = "INSERT INTO user_network (id, phase, record) VALUES (?, 'making', ?)";
    this.#database.prepare(insert).run(record.id, JSON.stringify(record));
  }

  markReady(id: string): void {
    this.#database.prepare("UPDATE user_network SET phase = 'ready' WHERE id = ?").run(id);
  }

  markRemoving(id: string): void {
    this.#database.prepare("UPDATE user_network SET phase = 'removing' WHERE id = ?").run(id);
  }

  delete(id: string): void {
    this.#database.prepare("DELETE FROM user_network WHERE id = ?").run(id);
  }

  close(): void {
    this.#database.close();
  }
}
