// Finds everything that the roots of one namespace reach.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { decodeDescriptor } from "../descriptor.ts";
import { isNull, type Row, readInteger, readLabels, readText } from "../rows.ts";
import { isExpired, isFlat, isRoot, type Node, nodeName, referencesOf } from "./references.ts";

export interface Reached {
  has(node: Node): boolean;
}

interface Root {
  readonly node: Node;
  /** Its references are not followed. */
  readonly flat?: boolean;
}

export class Marker {
  readonly #snapshotter: string;
  readonly #blob: StatementSync;
  readonly #blobs: StatementSync;
  readonly #snapshot: StatementSync;
  readonly #snapshots: StatementSync;
  readonly #image: StatementSync;
  readonly #images: StatementSync;
  readonly #containers: StatementSync;
  readonly #leases: StatementSync;
  readonly #resources: StatementSync;
  readonly #rebuilt: StatementSync;
  readonly #neededElsewhere: StatementSync;

  constructor(database: DatabaseSync, snapshotter: string) {
    this.#snapshotter = snapshotter;
    this.#blob = database.prepare("SELECT labels FROM blobs WHERE namespace = ? AND digest = ?");
    this.#blobs = database.prepare(
      "SELECT digest, labels FROM blobs WHERE namespace = ? AND labels LIKE '%containerd.io/gc.%'",
    );
    this.#snapshot = database.prepare(
      `SELECT s.labels, p.key AS parent_key FROM snapshots s LEFT JOIN snapshots p ON p.id = s.parent
       WHERE s.namespace = ? AND s.key = ?`,
    );
    this.#snapshots = database.prepare("SELECT key, kind, leased, labels FROM snapshots WHERE namespace = ?");
    this.#image = database.prepare("SELECT target, labels FROM images WHERE namespace = ? AND name = ?");
    this.#images = database.prepare("SELECT name FROM images WHERE namespace = ?");
    this.#containers = database.prepare("SELECT labels, snapshot_key FROM containers WHERE namespace = ?");
    this.#leases = database.prepare("SELECT id, labels FROM leases WHERE namespace = ?");
    this.#resources = database.prepare(
      "SELECT type, id FROM lease_resources WHERE namespace = ? AND lease = ?",
    );
    this.#rebuilt = database.prepare(
      `SELECT s.key FROM rebuilds r JOIN snapshots s ON s.id = r.snapshot
       WHERE s.namespace = ? AND r.digest = ?`,
    );
    this.#neededElsewhere = database.prepare(
      `SELECT s.key FROM rebuilds r JOIN snapshots s ON s.id = r.snapshot
       WHERE s.namespace = ? AND EXISTS (SELECT 1 FROM blobs b WHERE b.digest = r.digest AND b.namespace <> s.namespace)`,
    );
  }

  /** `further` are kept too, beyond what the namespace's own roots reach. */
  mark(namespace: string, now: number, further: readonly Node[]): Reached {
    const reached = new Map<string, { followed: boolean }>();
    const pending: Root[] = [...this.#roots(namespace, now), ...further.map((node) => ({ node }))];
    for (let root = pending.pop(); root !== undefined; root = pending.pop()) {
      const name = nodeName(root.node);
      const mark = reached.get(name) ?? { followed: false };
      reached.set(name, mark);
      // Without it the blob would be lost.
      const source = this.#sourceOf(namespace, root.node);
      if (source !== undefined && !reached.has(nodeName(source))) pending.push({ node: source });
      if (mark.followed || root.flat === true) continue;
      mark.followed = true;
      for (const node of this.#follow(namespace, root.node)) pending.push({ node });
    }
    return { has: (node) => reached.has(nodeName(node)) };
  }

  #roots(namespace: string, now: number): readonly Root[] {
    const images = this.#images
      .all(namespace)
      .map((row): Root => ({ node: { type: "image", key: readText(row, "name") } }));
    const containers = this.#containers
      .all(namespace)
      .flatMap((row): readonly Node[] => [
        { type: "snapshot", key: readText(row, "snapshot_key") },
        ...referencesOf(readLabels(row), this.#snapshotter),
      ])
      .map((node): Root => ({ node }));
    const blobs = this.#blobs
      .all(namespace)
      .filter((row) => isRoot(readLabels(row), now))
      .map((row): Root => ({ node: { type: "content", key: readText(row, "digest") } }));
    const snapshots = this.#snapshots
      .all(namespace)
      .filter((row) => isWorkedOn(row) || isRoot(readLabels(row), now))
      .map((row): Root => ({ node: { type: "snapshot", key: readText(row, "key") } }));
    const elsewhere = this.#neededElsewhere
      .all(namespace)
      .map((row): Root => ({ node: { type: "snapshot", key: readText(row, "key") } }));
    return [
      ...images,
      ...containers,
      ...blobs,
      ...snapshots,
      ...elsewhere,
      ...this.#leaseRoots(namespace, now),
    ];
  }

  #leaseRoots(namespace: string, now: number): readonly Root[] {
    return this.#leases.all(namespace).flatMap((lease) => {
      const labels = readLabels(lease);
      if (isExpired(labels, now)) return [];
      return this.#resources
        .all(namespace, readText(lease, "id"))
        .flatMap((row) => this.#resourceNode(readText(row, "type"), readText(row, "id")))
        .map((node) => ({ node, flat: isFlat(labels) }));
    });
  }

  #resourceNode(type: string, key: string): readonly Node[] {
    if (type === "content") return [{ type, key }];
    return type === `snapshots/${this.#snapshotter}` ? [{ type: "snapshot", key }] : [];
  }

  #follow(namespace: string, { type, key }: Node): readonly Node[] {
    const row = this.#statement(type).get(namespace, key);
    if (row === undefined) return [];
    return [...this.#ownReferences(type, row), ...referencesOf(readLabels(row), this.#snapshotter)];
  }

  /** The snapshot that a discarded blob is rebuilt from. */
  #sourceOf(namespace: string, { type, key }: Node): Node | undefined {
    const row = type === "content" ? this.#rebuilt.get(namespace, key) : undefined;
    return row === undefined ? undefined : { type: "snapshot", key: readText(row, "key") };
  }

  #statement(type: Node["type"]): StatementSync {
    if (type === "content") return this.#blob;
    return type === "snapshot" ? this.#snapshot : this.#image;
  }

  #ownReferences(type: Node["type"], row: Row): readonly Node[] {
    if (type === "image") return [{ type: "content", key: targetDigest(row) }];
    const hasParent = type === "snapshot" && !isNull(row, "parent_key");
    return hasParent ? [{ type: "snapshot", key: readText(row, "parent_key") }] : [];
  }
}

/** Whoever prepared it without a lease removes or commits it. */
const isWorkedOn = (row: Row): boolean =>
  readText(row, "kind") !== "committed" && readInteger(row, "leased") === 0;

function targetDigest(row: Row): string {
  return decodeDescriptor(JSON.parse(readText(row, "target")), "target").digest;
}
