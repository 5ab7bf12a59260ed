import type { StatementSync } from "node:sqlite";
import { decodeDescriptor } from "../descriptor.ts";
import { alreadyExists, invalidArgument, missing } from "../failures.ts";
import { parseFilters, readerOf } from "../filters.ts";
import type { Metadata } from "../metadata.ts";
import { encodeLabels, maskLabels, type Row, readDate, readLabels, readText } from "../rows.ts";
import type { Scope } from "../scope.ts";
import type { ImageRecord, ImageStore } from "./images.ts";

type NewImage = Pick<ImageRecord, "name" | "target" | "labels">;

export class LocalImages implements ImageStore {
  readonly #metadata: Metadata;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    const { database } = metadata;
    this.#get = database.prepare("SELECT * FROM images WHERE namespace = ? AND name = ?");
    this.#list = database.prepare("SELECT * FROM images WHERE namespace = ? ORDER BY name");
    this.#insert = database.prepare(
      "INSERT OR IGNORE INTO images (namespace, name, target, labels, created, updated) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#update = database.prepare(
      "UPDATE images SET target = ?, labels = ?, updated = ? WHERE namespace = ? AND name = ?",
    );
    this.#delete = database.prepare("DELETE FROM images WHERE namespace = ? AND name = ?");
  }

  async get(scope: Scope, name: string): Promise<ImageRecord> {
    const row = this.#get.get(scope.namespace, name);
    if (row === undefined) throw missing(`image ${JSON.stringify(name)}`);
    return decode(row);
  }

  async list(scope: Scope, filters: readonly string[]): Promise<readonly ImageRecord[]> {
    const matches = parseFilters(filters);
    return this.#list
      .all(scope.namespace)
      .map(decode)
      .filter((image) => matches(readerOf(fieldsOf(image), image.labels)));
  }

  async create(scope: Scope, image: NewImage): Promise<ImageRecord> {
    checkImage(image);
    const namespace = this.#metadata.enterNamespace(scope);
    const now = this.#metadata.now();
    const { name } = image;
    const inserted = this.#insert.run(
      namespace,
      name,
      JSON.stringify(image.target),
      encodeLabels(image.labels),
      now,
      now,
    );
    if (inserted.changes === 0) throw alreadyExists(`image ${JSON.stringify(name)}`);
    this.#metadata.publish(scope, { topic: "/images/create", name, labels: image.labels });
    this.#metadata.requestCollection();
    return this.get(scope, name);
  }

  async update(scope: Scope, image: NewImage, fields: readonly string[]): Promise<ImageRecord> {
    const current = await this.get(scope, image.name);
    const mask = fields.length === 0 ? ["target", "labels"] : fields;
    const labels = maskLabels(current.labels, image.labels, mask);
    const target = mask.includes("target") ? image.target : current.target;
    checkImage({ name: image.name, target, labels });
    this.#update.run(
      JSON.stringify(target),
      encodeLabels(labels),
      this.#metadata.now(),
      scope.namespace,
      image.name,
    );
    this.#metadata.publish(scope, { topic: "/images/update", name: image.name, labels });
    this.#metadata.requestCollection();
    return this.get(scope, image.name);
  }

  async delete(scope: Scope, name: string): Promise<void> {
    if (this.#delete.run(scope.namespace, name).changes === 0) throw missing(`image ${JSON.stringify(name)}`);
    this.#metadata.publish(scope, { topic: "/images/delete", name });
    this.#metadata.requestCollection();
  }
}

function checkImage({ name, target }: NewImage): void {
  if (name === "") throw invalidArgument("image name must not be empty");
  if (target.digest === "" || target.mediaType === "")
    throw invalidArgument(`image ${JSON.stringify(name)}: target must have a digest and a media type`);
}

const fieldsOf = ({ name, target }: ImageRecord): Readonly<Record<string, string>> => ({
  name,
  "target.digest": target.digest,
  "target.mediatype": target.mediaType,
});

const decode = (row: Row): ImageRecord => ({
  name: readText(row, "name"),
  target: decodeDescriptor(JSON.parse(readText(row, "target")), "target"),
  labels: readLabels(row),
  createdAt: readDate(row, "created"),
  updatedAt: readDate(row, "updated"),
});
