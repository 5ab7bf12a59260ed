import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { inTransaction, openDatabase } from "./database.ts";

test("a failed transaction changes nothing", () => {
  const database = openDatabase(":memory:", ["CREATE TABLE t (x INTEGER)"]);
  const change = (): void =>
    inTransaction(database, () => {
      database.exec("INSERT INTO t VALUES (1)");
      throw new Error("no");
    });
  assert.throws(change, /no/);
  assert.deepEqual(database.prepare("SELECT * FROM t").all(), []);
});

test("schema steps are applied once, and room is kept in the file for when the disk is full", () => {
  const dir = mkdtempSync(join(tmpdir(), "gantry-database-"));
  try {
    const path = join(dir, "x.db");
    const steps = ["CREATE TABLE t (x BLOB)", "INSERT INTO t VALUES (zeroblob(10))"];
    openDatabase(path, steps).close();
    const size = statSync(path).size;
    const database = openDatabase(path, steps);
    assert.equal(database.prepare("SELECT * FROM t").all().length, 1);
    database.exec("INSERT INTO t VALUES (zeroblob(100000)); PRAGMA wal_checkpoint(RESTART)");
    database.close();
    assert.equal(statSync(path).size, size);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("a reserve that a killed process left behind does not keep the database from opening", () => {
  const dir = mkdtempSync(join(tmpdir(), "gantry-database-"));
  try {
    const path = join(dir, "x.db");
    const raw = new DatabaseSync(path);
    raw.exec("CREATE TABLE reserve (bytes BLOB); INSERT INTO reserve VALUES (zeroblob(1000))");
    raw.close();
    const database = openDatabase(path, []);
    const tables = database.prepare("SELECT name FROM sqlite_schema").all();
    database.close();
    assert.deepEqual(tables, []);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("an open database is nobody else's, and needs no file for its log's index", () => {
  const dir = mkdtempSync(join(tmpdir(), "gantry-database-"));
  try {
    const path = join(dir, "x.db");
    const database = openDatabase(path, ["CREATE TABLE t (x INTEGER)"]);
    database.exec("INSERT INTO t VALUES (1)");
    assert.deepEqual(readdirSync(dir).toSorted(), ["x.db", "x.db-wal"]);
    const other = new DatabaseSync(path);
    assert.throws(() => other.exec("INSERT INTO t VALUES (2)"), /locked/);
    other.close();
    database.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
