// Removes content and snapshots that nothing refers to. A run is one step of the event loop: nothing can be made meanwhile.

import type { StatementSync } from "node:sqlite";
import { inTransaction } from "#base/database.ts";
import type { LocalContent } from "../content/local.ts";
import type { Metadata } from "../metadata.ts";
import { readLabels, readText } from "../rows.ts";
import type { LocalSnapshotter } from "../snapshots/local.ts";
import type { Holds } from "./holds.ts";
import { Marker } from "./marker.ts";
import { isExpired, type Node } from "./references.ts";

/** Changes within this time are answered by one run. */
const quietTime = 100;

interface CollectorDeps {
  readonly metadata: Pick<Metadata, "database" | "now">;
  readonly content: LocalContent;
  readonly snapshots: LocalSnapshotter;
  readonly holds: Holds;
}

export class Collector implements Disposable {
  readonly #deps: CollectorDeps;
  readonly #marker: Marker;
  readonly #namespaces: StatementSync;
  readonly #blobs: StatementSync;
  readonly #snapshots: StatementSync;
  readonly #leases: StatementSync;
  readonly #deleteLease: StatementSync;
  readonly #deleteResources: StatementSync;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
    const { database } = deps.metadata;
    this.#marker = new Marker(database, deps.snapshots.name);
    this.#namespaces = database.prepare("SELECT name FROM namespaces");
    this.#blobs = database.prepare("SELECT digest FROM blobs WHERE namespace = ?");
    // Children have higher numbers than their parents: this order removes them first.
    this.#snapshots = database.prepare("SELECT key FROM snapshots WHERE namespace = ? ORDER BY id DESC");
    this.#leases = database.prepare("SELECT id, labels FROM leases WHERE namespace = ?");
    this.#deleteLease = database.prepare("DELETE FROM leases WHERE namespace = ? AND id = ?");
    this.#deleteResources = database.prepare("DELETE FROM lease_resources WHERE namespace = ? AND lease = ?");
  }

  request(delay = quietTime): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.collect(), delay).unref();
  }

  collect(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const { database, now } = this.#deps.metadata;
    const removals = inTransaction(database, () =>
      this.#namespaces.all().flatMap((row) => this.#collectNamespace(readText(row, "name"), now())),
    );
    for (const removeFiles of removals) removeFiles();
    const waits = [this.#deps.holds.next, this.#deps.content.expireIngests()];
    const next = Math.min(...waits.map((wait) => wait ?? Number.POSITIVE_INFINITY));
    if (Number.isFinite(next)) this.request(next + quietTime);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Removes records; what it returns removes their files. */
  #collectNamespace(namespace: string, now: number): readonly (() => void)[] {
    const { content, snapshots, holds } = this.#deps;
    this.#expireLeases(namespace, now);
    const referred = this.#marker.mark(namespace, now, []);
    holds.settle((owner, node) => owner === namespace && referred.has(node));
    const held = holds.list(namespace);
    const kept = held.length === 0 ? referred : this.#marker.mark(namespace, now, held);
    const unreferenced = (statement: StatementSync, column: string, type: Node["type"]): readonly string[] =>
      statement
        .all(namespace)
        .map((row) => readText(row, column))
        .filter((key) => !kept.has({ type, key }));
    // Blobs first: one that is rebuilt from a snapshot keeps it from being removed.
    return [
      ...unreferenced(this.#blobs, "digest", "content").map((digest) => content.drop({ namespace }, digest)),
      ...unreferenced(this.#snapshots, "key", "snapshot").map((key) => snapshots.drop({ namespace }, key)),
    ];
  }

  #expireLeases(namespace: string, now: number): void {
    for (const row of this.#leases.all(namespace)) {
      if (!isExpired(readLabels(row), now)) continue;
      this.#deleteLease.run(namespace, readText(row, "id"));
      this.#deleteResources.run(namespace, readText(row, "id"));
    }
  }
}
