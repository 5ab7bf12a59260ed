// The ids of the networks that every engine has, kept over restarts.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { inTransaction, openDatabase } from "#base/database.ts";

const SCHEMA = ["CREATE TABLE network (name TEXT PRIMARY KEY, id TEXT NOT NULL, created INTEGER NOT NULL)"];

export interface NetworkIdentity {
  readonly id: string;
  readonly createdAt: Date;
}

/** Reads the identities of `names`, making those that are missing. */
export function readIdentities(
  dataRoot: string,
  names: readonly string[],
): ReadonlyMap<string, NetworkIdentity> {
  const database = openDatabase(join(dataRoot, "network.db"), SCHEMA);
  try {
    const insert = database.prepare("INSERT OR IGNORE INTO network (name, id, created) VALUES (?, ?, ?)");
    inTransaction(database, () => {
      for (const name of names) insert.run(name, randomBytes(32).toString("hex"), Date.now());
    });
    const rows = database.prepare("SELECT name, id, created FROM network").all();
    return new Map(
      rows.map((row) => [String(row.name), { id: String(row.id), createdAt: new Date(Number(row.created)) }]),
    );
  } finally {
    database.close();
  }
}
