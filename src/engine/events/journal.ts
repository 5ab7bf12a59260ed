// The past events of one daemon, in SQLite: they outlive it, however it ends.
// A write is in the kernel's hands when `append` returns, so a killed daemon loses nothing; it is not fsynced, so a power cut may
// take the last seconds.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openDatabase } from "#base/database.ts";
import { object, record, string } from "#base/decode.ts";
import { type EngineEvent, eventTypes } from "./events.ts";

/** The time is the key: no two events have the same. */
const schema = ["CREATE TABLE events (time INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT"];

const decodeEvent = object({ type: string, action: string, id: string, attributes: record(string) }, {});

/** Rows beyond the limit that may gather before they are removed together. */
const slack = 256;

export class EventJournal implements Disposable {
  readonly #database: DatabaseSync;
  readonly #limit: number;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #select: StatementSync;
  #count: number;

  /** `path`: also ":memory:". `limit`: how many of the newest events are kept at least. */
  constructor(path: string, limit: number) {
    this.#database = openDatabase(path, schema);
    this.#limit = limit;
    this.#insert = this.#database.prepare("INSERT INTO events (time, event) VALUES (?, ?)");
    this.#delete = this.#database.prepare(
      "DELETE FROM events WHERE time IN (SELECT time FROM events ORDER BY time LIMIT ?)",
    );
    // A statement tells the last key that was written, whatever it does: it does not fit a number.
    for (const statement of [this.#insert, this.#delete]) statement.setReadBigInts(true);
    this.#select = this.#database.prepare(
      "SELECT time, event FROM events WHERE time > ? ORDER BY time LIMIT ?",
    );
    this.#select.setReadBigInts(true);
    this.#count = Number(this.#database.prepare("SELECT count(*) AS n FROM events").get()?.n);
    this.#trim();
  }

  /** Of the newest event; 0 if there is none. */
  lastTime(): bigint {
    const statement = this.#database.prepare("SELECT max(time) AS time FROM events");
    statement.setReadBigInts(true);
    const time = statement.get()?.time;
    return typeof time === "bigint" ? time : 0n;
  }

  append({ type, action, actorId, attributes, timeNano }: EngineEvent): void {
    this.#insert.run(timeNano, JSON.stringify({ type, action, id: actorId, attributes }));
    this.#count++;
    if (this.#count > this.#limit + slack) this.#trim();
  }

  /** Those after `time`, the oldest `count` of them. */
  after(time: bigint, count: number): readonly EngineEvent[] {
    return this.#select.all(time, count).map(({ time: timeNano, event }) => {
      const { type, action, id, attributes } = decodeEvent(JSON.parse(String(event)), "event");
      const known = eventTypes.find((name) => name === type) ?? "daemon";
      return { type: known, action, actorId: id, attributes, timeNano: BigInt(String(timeNano)) };
    });
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #trim(): void {
    const surplus = this.#count - this.#limit;
    if (surplus <= 0) return;
    this.#delete.run(surplus);
    this.#count = this.#limit;
  }
}
