// Containers by id, name and id prefix, each with its own lock. A change is saved before anyone can see it.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { parseTime } from "#base/clock.ts";
import { conflict, invalid, notFound } from "#base/errors.ts";
import { Lock } from "#base/lock.ts";
import {
  type ContainerRecord,
  type ContainerState,
  decodeContainerRecord,
  decodeContainerState,
  isRunning,
} from "./record.ts";
import type { ContainerUser } from "./user.ts";

/** For openDatabase: the schema steps of this store. */
export const containerSchema: readonly string[] = [
  "CREATE TABLE containers (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, record TEXT NOT NULL, state TEXT NOT NULL) STRICT",
];

/** A client that asked to be attached before the container started. */
export interface PendingAttach {
  /** Called between the task's creation and its start; what it throws ends that client only. */
  connect(): Promise<void>;
  /** The start failed. */
  abandon(): void;
}

/** One container. The store changes what it shows; `state` of one that removes itself is set without a write. */
export class Container {
  readonly id: string;
  /** Nanoseconds since the epoch. */
  readonly createdAt: bigint;
  /** Held by whoever changes the container's life: start, exit, removal, … */
  readonly lock = new Lock();
  readonly pendingAttaches = new Set<PendingAttach>();
  /** How many times it has exited since the daemon started. */
  exits = 0;
  removed = false;
  /** Somebody is removing it. */
  removing = false;
  /** Whoever ends it does not want it back. */
  stopping = false;
  /** It is being ended for its bad health: its policy may start it again. */
  ailing = false;
  /** `--rm` waits: it is being restarted. */
  keep = false;
  /** Who its process runs as, once this daemon has started it. */
  user?: ContainerUser;
  /** Ends the wait before an automatic restart. */
  cancelRestart?: () => void;
  record: ContainerRecord;
  state: ContainerState;
  #watchers = new Set<() => void>();

  constructor(record: ContainerRecord, state: ContainerState) {
    this.id = record.id;
    this.createdAt = parseTime(record.createdAt) ?? 0n;
    this.record = record;
    this.state = state;
  }

  get running(): boolean {
    return isRunning(this.state);
  }

  /** Waits for what is changing the container's life right now. */
  async settle(): Promise<void> {
    using _held = await this.lock.acquire();
  }

  announce(): void {
    const watchers = this.#watchers;
    this.#watchers = new Set();
    for (const wake of watchers) wake();
  }

  /** Resolves once the condition holds; looks again after each change. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    while (!condition()) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = (): void => reject(signal.reason);
      this.#watchers.add(resolve);
      signal.addEventListener("abort", abort, { once: true });
      try {
        await promise;
      } finally {
        this.#watchers.delete(resolve);
        signal.removeEventListener("abort", abort);
      }
    }
  }
}

/** A name that is taken until this is disposed, or for good once it is the container's. */
export interface NameReservation extends Disposable {
  readonly name: string;
}

export class ContainerStore {
  readonly #byId = new Map<string, Container>();
  /** Name to id; a name is taken from the moment its container is being created. */
  readonly #names = new Map<string, string>();
  readonly #insert: StatementSync;
  readonly #saveRecord: StatementSync;
  readonly #saveState: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT INTO containers (id, name, record, state) VALUES (?, ?, ?, ?)");
    this.#saveRecord = database.prepare("UPDATE containers SET name = ?, record = ? WHERE id = ?");
    this.#saveState = database.prepare("UPDATE containers SET state = ? WHERE id = ?");
    this.#delete = database.prepare("DELETE FROM containers WHERE id = ?");
    for (const row of database.prepare("SELECT record, state FROM containers").iterate()) {
      const record = decodeContainerRecord(JSON.parse(String(row.record)), "record");
      const state = decodeContainerState(JSON.parse(String(row.state)), "state");
      this.#byId.set(record.id, new Container(record, state));
      this.#names.set(record.name, record.id);
    }
  }

  /** Takes a name until disposed; `add` and `rename` make it the container's. */
  reserveName(name: string, id: string): NameReservation {
    const owner = this.#names.get(name);
    if (owner !== undefined && owner !== id)
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    this.#names.set(name, id);
    return {
      name,
      [Symbol.dispose]: () => {
        if (this.#byId.get(id)?.record.name !== name) this.#names.delete(name);
      },
    };
  }

  hasName(name: string): boolean {
    return this.#names.has(name);
  }

  add(record: ContainerRecord, state: ContainerState): Container {
    this.#insert.run(record.id, record.name, JSON.stringify(record), JSON.stringify(state));
    const container = new Container(record, state);
    this.#byId.set(record.id, container);
    return container;
  }

  /** By id, name (with or without its slash), or a prefix of one id. */
  find(reference: string): Container | undefined {
    const exact = this.#byId.get(reference) ?? this.#byName(reference.replace(/^\//, ""));
    if (exact !== undefined || reference === "") return exact;
    let found: Container | undefined;
    for (const container of this.#byId.values()) {
      if (!container.id.startsWith(reference)) continue;
      if (found !== undefined) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
      found = container;
    }
    return found;
  }

  get(reference: string): Container {
    const container = this.find(reference);
    if (container === undefined) throw notFound("container", reference);
    return container;
  }

  /** In no order. */
  all(): Iterable<Container> {
    return this.#byId.values();
  }

  /** Newest first, as `ps` lists them. */
  list(): readonly Container[] {
    return [...this.#byId.values()].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  saveState(container: Container, change: Partial<ContainerState>): void {
    const state = { ...container.state, ...change };
    this.#saveState.run(JSON.stringify(state), container.id);
    container.state = state;
    container.announce();
  }

  /** For a change that has happened whether or not it can be saved: on a full disk this daemon knows of it at least. */
  recordState(container: Container, change: Partial<ContainerState>, report: (error: unknown) => void): void {
    try {
      this.saveState(container, change);
    } catch (error) {
      report(error);
      container.state = { ...container.state, ...change };
      container.announce();
    }
  }

  saveRecord(
    container: Container,
    change: Partial<Pick<ContainerRecord, "name" | "hostConfig" | "mounts" | "networks" | "links">>,
  ): void {
    const record = { ...container.record, ...change };
    this.#saveRecord.run(record.name, JSON.stringify(record), container.id);
    const oldName = container.record.name;
    container.record = record;
    if (oldName !== record.name) this.#names.delete(oldName);
    container.announce();
  }

  /** Id and name are free when it returns. */
  delete(container: Container): void {
    this.#delete.run(container.id);
    this.#byId.delete(container.id);
    this.#names.delete(container.record.name);
    container.removed = true;
    container.announce();
  }

  /** "web" or, by a link of that container, "web/db". */
  #byName(name: string): Container | undefined {
    const [parent = "", alias, ...more] = name.split("/");
    if (alias !== undefined) {
      const links = more.length > 0 ? undefined : this.#byName(parent)?.record.links;
      return this.#byId.get(links?.find((link) => link.alias === alias)?.container ?? "");
    }
    const id = this.#names.get(name);
    return id === undefined ? undefined : this.#byId.get(id);
  }
}
