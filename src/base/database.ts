// SQLite as the engine uses it: WAL, one transaction per state change, schema steps applied in order.
// A full disk does not stop the engine from removing things: each database keeps some free pages, in its file and in its log, and a
// change that finds no room is tried once more after a checkpoint has made the log's pages free again.

import { DatabaseSync, type StatementSync } from "node:sqlite";

/** Bytes that a database can still change when the disk is full. */
const RESERVE = 256 * 1024;
const SQLITE_FULL = 13;

/**
 * Opens (and creates) the database; `steps[n]` takes the schema from version n to n + 1. It is this process's alone until it is closed:
 * another one is told that it is locked. The log's index is in memory then, so that opening needs no room on the disk.
 */
export function openDatabase(path: string, steps: readonly string[]): DatabaseSync {
  const database = new RoomyDatabase(path);
  database.exec("PRAGMA busy_timeout = 5000; PRAGMA locking_mode = EXCLUSIVE");
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  const version = readPragma(database, "user_version");
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    inTransaction(database, () => database.exec(`${step}; PRAGMA user_version = ${index + 1}`));
  }
  if (path !== ":memory:") reserveRoom(database);
  return database;
}

/** Runs `change` in one transaction; an exception undoes it. Synchronous on purpose: no other change can come between. */
export function inTransaction<T>(database: DatabaseSync, change: () => T): T {
  return withRoom(database, () => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = change();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  });
}

/** Statements that are run by themselves get the second try, too. */
class RoomyDatabase extends DatabaseSync {
  override prepare(sql: string): StatementSync {
    const statement = super.prepare(sql);
    statement.run = new Proxy(statement.run, {
      apply: (run, _self, values) => {
        const runOnce = () => Reflect.apply(run, statement, values);
        return this.isTransaction ? runOnce() : withRoom(this, runOnce);
      },
    });
    return statement;
  }
}

const isFull = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && error.errcode === SQLITE_FULL;

function withRoom<T>(database: DatabaseSync, change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (!isFull(error)) throw error;
    database.exec("PRAGMA wal_checkpoint(RESTART)");
    return change();
  }
}

function readPragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);
}

/** Pages of a table that is dropped again stay in the file as free ones. */
function reserveRoom(database: DatabaseSync): void {
  const free = readPragma(database, "freelist_count") * readPragma(database, "page_size");
  if (free >= RESERVE / 2) return;
  try {
    database.exec("DROP TABLE IF EXISTS reserve"); // of a process that ended between the steps below
    database.exec(
      `CREATE TABLE reserve (bytes BLOB); INSERT INTO reserve VALUES (zeroblob(${RESERVE})); DROP TABLE reserve`,
    );
  } catch (error) {
    if (!isFull(error)) throw error; // the disk is full already; what is left goes at the next start
  }
  database.exec("PRAGMA wal_checkpoint(RESTART)");
}
