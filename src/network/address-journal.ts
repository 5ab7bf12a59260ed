// What plugins have given: pools and addresses. Whatever is killed when, it can be given back by the next daemon.

import type { DatabaseSync } from "node:sqlite";

/** A pool, or an address of it. */
export interface GivenEntry {
  readonly poolId: string;
  /** "": the pool itself. */
  readonly address: string;
}

export const ADDRESSES_SCHEMA = `CREATE TABLE plugin_address (
  plugin TEXT NOT NULL, pool TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (plugin, pool, address)
) STRICT`;

export class AddressJournal {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  add(plugin: string, { poolId, address }: GivenEntry): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO plugin_address VALUES (?, ?, ?)")
      .run(plugin, poolId, address);
  }

  delete(plugin: string, { poolId, address }: GivenEntry): void {
    this.#database
      .prepare("DELETE FROM plugin_address WHERE plugin = ? AND pool = ? AND address = ?")
      .run(plugin, poolId, address);
  }

  /** Addresses before their pools. */
  of(plugin: string): readonly GivenEntry[] {
    return this.#database
      .prepare(
        "SELECT pool, address FROM plugin_address WHERE plugin = ? ORDER BY address = '', pool, address",
      )
      .all(plugin)
      .map(({ pool, address }) => ({ poolId: String(pool), address: String(address) }));
  }

  /** Those that have given anything. */
  plugins(): readonly string[] {
    return this.#database
      .prepare("SELECT DISTINCT plugin FROM plugin_address ORDER BY plugin")
      .all()
      .map(({ plugin }) => String(plugin));
  }
}
