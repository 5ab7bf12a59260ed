// Volumes as they are kept: one row each. The data of the engine's own is in volumes/<name>/_data.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { boolean, type Decoded, object, orNull, record, string } from "#base/decode.ts";
import { EngineError } from "#base/errors.ts";

/** For openDatabase: the schema steps of this store. */
export const volumeSchema: readonly string[] = [
  "CREATE TABLE volumes (name TEXT PRIMARY KEY, record TEXT NOT NULL, removing INTEGER NOT NULL DEFAULT 0) STRICT",
  "CREATE TABLE plugin_mounts (volume TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (volume, user)) STRICT",
];

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
  {
    /** Missing: "local". */
    driver: string,
  },
);

export type VolumeRecord = Decoded<typeof decodeVolume>;

/** Of the engine's own, not of a plugin's. */
export const isLocal = ({ driver = "local" }: VolumeRecord): boolean => driver === "local";

export const nameMissing = (name: string): EngineError =>
  new EngineError("notFound", `get ${name}: no such volume`);

/** Of the column `removing`: there; being made or removed, and so not there; there, and being filled. */
const states = { there: 0, gone: 1, filling: 2 } as const;

export class VolumeStore {
  readonly #volumes = new Map<string, VolumeRecord>();
  readonly #filling = new Set<string>();
  readonly #insert: StatementSync;
  readonly #mark: StatementSync;
  readonly #delete: StatementSync;
  readonly #addMount: StatementSync;
  readonly #deleteMount: StatementSync;
  readonly #mounts: StatementSync;
  /** Volumes that were being made or removed when the daemon ended. */
  readonly unfinished: readonly string[];

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT INTO volumes (name, record, removing) VALUES (?, ?, ?)");
    this.#mark = database.prepare("UPDATE volumes SET removing = ? WHERE name = ?");
    this.#delete = database.prepare("DELETE FROM volumes WHERE name = ?");
    this.#addMount = database.prepare("INSERT OR IGNORE INTO plugin_mounts VALUES (?, ?)");
    this.#deleteMount = database.prepare("DELETE FROM plugin_mounts WHERE volume = ? AND user = ?");
    this.#mounts = database.prepare("SELECT volume, user FROM plugin_mounts");
    const rows = database.prepare("SELECT name, record, removing FROM volumes ORDER BY rowid").all();
    const names = (state: number): string[] =>
      rows.filter((row) => row.removing === state).map((row) => String(row.name));
    for (const row of rows)
      if (row.removing !== states.gone)
        this.#volumes.set(String(row.name), decodeVolume(JSON.parse(String(row.record)), "volume"));
    this.unfinished = names(states.gone);
    for (const name of names(states.filling)) this.#filling.add(name);
  }

  find(name: string): VolumeRecord | undefined {
    return this.#volumes.get(name);
  }

  list(): readonly VolumeRecord[] {
    return [...this.#volumes.values()];
  }

  /** It is found once `make` has made it, and nothing is left of it if that fails or the daemon ends meanwhile. */
  async add(record: VolumeRecord, make = async (): Promise<void> => undefined): Promise<void> {
    const { name } = record;
    this.#insert.run(name, JSON.stringify(record), states.gone);
    try {
      await make();
      this.#mark.run(states.there, name);
    } catch (error) {
      this.#delete.run(name);
      throw error;
    }
    this.#volumes.set(name, record);
  }

  /** From now on it is not found; `forget` follows when its data is gone, or the returned function if it stays. */
  startRemoval(name: string): () => void {
    const record = this.#volumes.get(name);
    this.#mark.run(states.gone, name);
    this.#volumes.delete(name);
    return () => {
      this.#mark.run(states.there, name);
      if (record !== undefined) this.#volumes.set(name, record);
    };
  }

  forget(name: string): void {
    this.#delete.run(name);
    this.#volumes.delete(name);
    this.#filling.delete(name);
  }

  /** Until it is done, what the volume holds is half of what it is to hold and nobody's data. */
  setFilling(name: string, isFilling: boolean): void {
    this.#mark.run(isFilling ? states.filling : states.there, name);
    if (isFilling) this.#filling.add(name);
    else this.#filling.delete(name);
  }

  /** Volumes that were being filled when the daemon ended, or are now. */
  filling(): readonly string[] {
    return [...this.#filling];
  }

  isFilling(name: string): boolean {
    return this.#filling.has(name);
  }

  /** What a plugin was asked to mount and not yet to unmount, by this daemon or an earlier one. */
  pluginMounts(): readonly { readonly volume: string; readonly user: string }[] {
    return this.#mounts.all().map((row) => ({ volume: String(row.volume), user: String(row.user) }));
  }

  addPluginMount(volume: string, user: string): void {
    this.#addMount.run(volume, user);
  }

  deletePluginMount(volume: string, user: string): void {
    this.#deleteMount.run(volume, user);
  }
}
