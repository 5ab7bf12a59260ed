// What plugins have been asked to make for endpoints: written down before they are asked, so that it can be taken back whatever is killed when.

import type { DatabaseSync } from "node:sqlite";

export interface JournalEntry {
  readonly endpointId: string;
  readonly networkId: string;
  /** Path of the sandbox's namespace. */
  readonly path: string;
  /** The plugin was asked to join it to the sandbox. */
  readonly joined: boolean;
  /** Name that its interface had on the host; "": it has none, or it is not known yet. */
  readonly source: string;
  /** Number of the interface in the sandbox; 0: it has not been moved there. */
  readonly link: number;
}

export const JOURNAL_SCHEMA = `CREATE TABLE plugin_endpoint (
  id TEXT PRIMARY KEY, network TEXT NOT NULL, path TEXT NOT NULL, joined INTEGER NOT NULL, source TEXT NOT NULL, link INTEGER NOT NULL
) STRICT`;

export class EndpointJournal {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  put({ endpointId, networkId, path, joined, source, link }: JournalEntry): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO plugin_endpoint VALUES (?, ?, ?, ?, ?, ?)")
      .run(endpointId, networkId, path, joined ? 1 : 0, source, link);
  }

  delete(endpointId: string): void {
    this.#database.prepare("DELETE FROM plugin_endpoint WHERE id = ?").run(endpointId);
  }

  find(endpointId: string): JournalEntry | undefined {
    const row = this.#database.prepare("SELECT * FROM plugin_endpoint WHERE id = ?").get(endpointId);
    return row === undefined ? undefined : entryOf(row);
  }

  of(networkId: string): readonly JournalEntry[] {
    return this.#database
      .prepare("SELECT * FROM plugin_endpoint WHERE network = ? ORDER BY rowid")
      .all(networkId)
      .map(entryOf);
  }
}

const entryOf = (row: Readonly<Record<string, unknown>>): JournalEntry => ({
  endpointId: String(row.id),
  networkId: String(row.network),
  path: String(row.path),
  joined: row.joined === 1,
  source: String(row.source),
  link: Number(row.link),
});
