import type { StatementSync } from "node:sqlite";
import { type Decoded, object, record, string } from "#base/decode.ts";
import { alreadyExists, invalidArgument, missing } from "../failures.ts";
import { parseFilters, readerOf } from "../filters.ts";
import { checkIdentifier } from "../identifiers.ts";
import type { Metadata } from "../metadata.ts";
import {
  encodeLabels,
  isNull,
  maskLabels,
  type Row,
  readBytes,
  readDate,
  readLabels,
  readText,
} from "../rows.ts";
import type { Scope } from "../scope.ts";
import type { AnyValue, ContainerCreate, ContainerRecord, ContainerRecords } from "./containers.ts";

const columns = [
  "labels",
  "image",
  "runtime",
  "options_type",
  "options",
  "spec_type",
  "spec",
  "snapshotter",
  "snapshot_key",
  "extensions",
  "updated",
];

export class LocalContainers implements ContainerRecords {
  readonly #metadata: Metadata;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    const { database } = metadata;
    this.#get = database.prepare("SELECT * FROM containers WHERE namespace = ? AND id = ?");
    this.#list = database.prepare("SELECT * FROM containers WHERE namespace = ? ORDER BY id");
    this.#insert = database.prepare(
      `INSERT OR IGNORE INTO containers (namespace, id, created, ${columns.join(", ")})
       VALUES (:namespace, :id, :updated, ${columns.map((column) => `:${column}`).join(", ")})`,
    );
    this.#update = database.prepare(
      `UPDATE containers SET ${columns.map((column) => `${column} = :${column}`).join(", ")}
       WHERE namespace = :namespace AND id = :id`,
    );
    this.#delete = database.prepare("DELETE FROM containers WHERE namespace = ? AND id = ?");
  }

  async get(scope: Scope, id: string): Promise<ContainerRecord> {
    const row = this.#get.get(scope.namespace, id);
    if (row === undefined)
      throw missing(`container ${JSON.stringify(id)} in namespace ${JSON.stringify(scope.namespace)}`);
    return decode(row);
  }

  async list(scope: Scope, filters: readonly string[]): Promise<readonly ContainerRecord[]> {
    const matches = parseFilters(filters);
    return this.#list
      .all(scope.namespace)
      .map(decode)
      .filter((container) => matches(readerOf(fieldsOf(container), container.labels)));
  }

  async create(scope: Scope, container: ContainerCreate): Promise<ContainerRecord> {
    checkIdentifier("create container failed validation: container.ID: ", container.id);
    const namespace = this.#metadata.enterNamespace(scope);
    const now = this.#metadata.now();
    if (this.#insert.run({ namespace, ...encode(container, now) }).changes === 0)
      throw alreadyExists(`container ${JSON.stringify(container.id)}`);
    const { id, image, runtime } = container;
    this.#metadata.publish(scope, { topic: "/containers/create", id, image, runtime: runtime.name });
    return { ...container, createdAt: new Date(now), updatedAt: new Date(now) };
  }

  async update(
    scope: Scope,
    container: ContainerCreate,
    fields: readonly string[],
  ): Promise<ContainerRecord> {
    const current = await this.get(scope, container.id);
    const changed = fields.length === 0 ? container : mask(current, container, fields);
    this.#update.run({ namespace: scope.namespace, ...encode(changed, this.#metadata.now()) });
    const { id, image, labels, snapshotKey } = changed;
    this.#metadata.publish(scope, { topic: "/containers/update", id, image, labels, snapshotKey });
    return this.get(scope, container.id);
  }

  async delete(scope: Scope, id: string): Promise<void> {
    if (this.#delete.run(scope.namespace, id).changes === 0) throw missing(`container ${JSON.stringify(id)}`);
    this.#metadata.publish(scope, { topic: "/containers/delete", id });
    this.#metadata.requestCollection(); // of what the container's snapshot was made from
  }
}

function mask(current: ContainerRecord, wanted: ContainerCreate, fields: readonly string[]): ContainerCreate {
  const take = (name: string): boolean => fields.includes(name);
  const extensionKeys = fields
    .filter((field) => field.startsWith("extensions."))
    .map((field) => field.slice("extensions.".length));
  const refused = fields.filter((field) => !/^(labels|spec|extensions|image|snapshotkey)(\.|$)/.test(field));
  if (refused.length > 0)
    throw invalidArgument(
      `cannot update ${JSON.stringify(refused[0])} field on ${JSON.stringify(current.id)}`,
    );
  const extensions = take("extensions")
    ? wanted.extensions
    : { ...current.extensions, ...pick(wanted.extensions, extensionKeys) };
  const spec = take("spec") ? wanted.spec : current.spec;
  return {
    ...current,
    labels: maskLabels(current.labels, wanted.labels, fields),
    extensions,
    image: take("image") ? wanted.image : current.image,
    snapshotKey: take("snapshotkey") ? wanted.snapshotKey : current.snapshotKey,
    ...(spec === undefined ? {} : { spec }),
  };
}

const pick = <T>(from: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));

const fieldsOf = (container: ContainerRecord): Readonly<Record<string, string>> => ({
  id: container.id,
  image: container.image,
  "runtime.name": container.runtime.name,
});

const decodeExtensions = record(object({ typeUrl: string, value: string }, {}));

const encodeExtensions = (extensions: Readonly<Record<string, AnyValue>>): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(extensions).map(([name, { typeUrl, value }]) => [
        name,
        { typeUrl, value: Buffer.from(value).toString("base64") } satisfies StoredAny,
      ]),
    ),
  );
type StoredAny = Decoded<typeof decodeExtensions>[string];

const encode = (container: ContainerCreate, now: number) => ({
  id: container.id,
  labels: encodeLabels(container.labels),
  image: container.image,
  runtime: container.runtime.name,
  options_type: container.runtime.options?.typeUrl ?? null,
  options: container.runtime.options?.value ?? null,
  spec_type: container.spec?.typeUrl ?? null,
  spec: container.spec?.value ?? null,
  snapshotter: container.snapshotter,
  snapshot_key: container.snapshotKey,
  extensions: encodeExtensions(container.extensions),
  updated: now,
});

function decode(row: Row): ContainerRecord {
  const stored = decodeExtensions(JSON.parse(readText(row, "extensions")), "extensions");
  return {
    id: readText(row, "id"),
    labels: readLabels(row),
    image: readText(row, "image"),
    runtime: {
      name: readText(row, "runtime"),
      ...(isNull(row, "options_type") ? {} : { options: readAny(row, "options_type", "options") }),
    },
    ...(isNull(row, "spec_type") ? {} : { spec: readAny(row, "spec_type", "spec") }),
    snapshotter: readText(row, "snapshotter"),
    snapshotKey: readText(row, "snapshot_key"),
    extensions: Object.fromEntries(
      Object.entries(stored).map(([name, { typeUrl, value }]) => [
        name,
        { typeUrl, value: Buffer.from(value, "base64") },
      ]),
    ),
    createdAt: readDate(row, "created"),
    updatedAt: readDate(row, "updated"),
  };
}

const readAny = (row: Row, type: string, value: string): AnyValue => ({
  typeUrl: readText(row, type),
  value: readBytes(row, value),
});
