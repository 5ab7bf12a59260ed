// Volumes as they are kept: one row each, their data in volumes/<name>/_data.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { boolean, type Decoded, type Decoder, object, record, string } from "#base/decode.ts";

/** For openDatabase: the schema steps of this store. */
export const volumeSchema: readonly string[] = [
  "CREATE TABLE volumes (name TEXT PRIMARY KEY, record TEXT NOT NULL, removing INTEGER NOT NULL DEFAULT 0) STRICT",
];

const orNull =
  <T>(decode: Decoder<T>): Decoder<T | null> =>
  (value, path) =>
    value === null ? null : decode(value, path);

const decodeVolume = object(
  {
    name: string,
    /** RFC 3339 without a fraction, as Docker shows it. */
    createdAt: string,
    anonymous: boolean,
    /** null: none were given. */
    labels: orNull(record(string)),
    options: orNull(record(string)),
  },
  {},
);

export type VolumeRecord = Decoded<typeof decodeVolume>;

export class VolumeStore {
  readonly #volumes = new Map<string, VolumeRecord>();
  readonly #insert: StatementSync;
  readonly #mark: StatementSync;
  readonly #delete: StatementSync;
  /** Volumes whose removal was under way when the daemon ended. */
  readonly halfRemoved: readonly string[];

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT INTO volumes (name, record) VALUES (?, ?)");
    this.#mark = database.prepare("UPDATE volumes SET removing = ? WHERE name = ?");
    this.#delete = database.prepare("DELETE FROM volumes WHERE name = ?");
    const rows = database.prepare("SELECT name, record, removing FROM volumes ORDER BY rowid").all();
    for (const row of rows)
      if (row.removing === 0)
        this.#volumes.set(String(row.name), decodeVolume(JSON.parse(String(row.record)), "volume"));
    this.halfRemoved = rows.filter((row) => row.removing !== 0).map((row) => String(row.name));
  }

  find(name: string): VolumeRecord | undefined {
    return this.#volumes.get(name);
  }

  list(): readonly VolumeRecord[] {
    return [...this.#volumes.values()];
  }

  add(record: VolumeRecord): void {
    this.#insert.run(record.name, JSON.stringify(record));
    this.#volumes.set(record.name, record);
  }

  /** From now on it is not found; `forget` follows when its data is gone, or the returned function if it stays. */
  startRemoval(name: string): () => void {
    const record = this.#volumes.get(name);
    this.#mark.run(1, name);
    this.#volumes.delete(name);
    return () => {
      this.#mark.run(0, name);
      if (record !== undefined) this.#volumes.set(name, record);
    };
  }

  forget(name: string): void {
    this.#delete.run(name);
  }
}
