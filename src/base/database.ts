// SQLite as the engine uses it: WAL, one transaction per state change, schema steps applied in order.

import { DatabaseSync } from "node:sqlite";

/** Opens (and creates) the database; `steps[n]` takes the schema from version n to n + 1. */
export function openDatabase(path: string, steps: readonly string[]): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000");
  const row = database.prepare("PRAGMA user_version").get();
  const version = Number(row?.["user_version"] ?? 0);
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    inTransaction(database, () => database.exec(`${step}; PRAGMA user_version = ${index + 1}`));
  }
  return database;
}

/** Runs `change` in one transaction; an exception undoes it. Synchronous on purpose: no other change can come between. */
export function inTransaction<T>(database: DatabaseSync, change: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = change();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
