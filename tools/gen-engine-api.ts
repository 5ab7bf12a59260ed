// Writes src/spec/engine-api/{definitions,shapes}.table.ts from the Engine API's schema inventory:
//   node tools/gen-engine-api.ts PATH/engine-api-schemas.json
// The tables are committed; the inventory is not part of the repository.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { isRecord } from "../src/base/decode.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Fields that clients older than the inventory still send. */
const olderFields: Readonly<Record<string, Schema>> = {
  ContainerConfig: { MacAddress: { type: "string" } },
  Resources: {
    KernelMemory: { type: "integer", format: "int64" },
    KernelMemoryTCP: { type: "integer", format: "int64" },
  },
};

/** Docker reads one string as a list of one here. */
const stringOrList = new Set(["ContainerConfig.Cmd", "ContainerConfig.Entrypoint", "ContainerConfig.Shell"]);

const recordAt = (value: unknown, key: string): Schema => {
  const found = isRecord(value) ? value[key] : undefined;
  return isRecord(found) ? found : {};
};
const listAt = (value: unknown, key: string): readonly unknown[] => {
  const found = isRecord(value) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
};
const schemaOf = (value: unknown): Schema => (isRecord(value) ? value : {});
const refOf = (schema: Schema): string | undefined => {
  const ref = schema.$ref;
  return typeof ref === "string" ? ref.replace("#/definitions/", "") : undefined;
};

/** An object's parts: the definitions it includes, and its own fields. */
function partsOf(schema: Schema): { bases: string[]; properties: Schema } {
  const bases: string[] = [];
  let properties = recordAt(schema, "properties");
  for (const part of listAt(schema, "allOf").map(schemaOf)) {
    const ref = refOf(part);
    if (ref === undefined) properties = { ...properties, ...recordAt(part, "properties") };
    else bases.push(ref);
  }
  return { bases, properties };
}

const isObject = (schema: Schema): boolean =>
  schema.type === "object" || "properties" in schema || "allOf" in schema;

/** A lone reference wrapped in allOf is that reference. */
function unwrap(schema: Schema): Schema {
  const parts = listAt(schema, "allOf");
  return parts.length === 1 && schema.type === undefined ? schemaOf(parts[0]) : schema;
}

const keyText = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));

function typeText(given: unknown): string {
  const schema = unwrap(schemaOf(given));
  const text = plainTypeText(schema);
  return schema.nullable === true ? `${text} | null` : text;
}

function plainTypeText(schema: Schema): string {
  const ref = refOf(schema);
  if (ref !== undefined) return ref;
  if (isRecord(schema.additionalProperties))
    return `Readonly<Record<string, ${typeText(schema.additionalProperties)}>>`;
  if (schema.type === "array") return `readonly (${typeText(schema.items)})[]`;
  if (schema.type === "integer" || schema.type === "number") return "number";
  if (schema.type === "string" || schema.type === "boolean") return schema.type;
  const { bases, properties } = partsOf(schema);
  if (bases.length === 0 && Object.keys(properties).length === 0)
    return isObject(schema) ? "Readonly<Record<string, unknown>>" : "unknown";
  return [...bases, `{ ${fieldsText(schema)} }`].join(" & ");
}

function fieldsText(schema: Schema): string {
  const required = new Set(listAt(schema, "required"));
  return Object.entries(partsOf(schema).properties)
    .map(([name, type]) => `readonly ${keyText(name)}${required.has(name) ? "" : "?"}: ${typeText(type)};`)
    .join(" ");
}

function definitionText(name: string, schema: Schema): string {
  if (!isObject(schema)) return `export type ${name} = ${typeText(schema)};`;
  const { bases, properties } = partsOf(schema);
  if (bases.length === 0 && Object.keys(properties).length === 0)
    return `export type ${name} = ${typeText(schema)};`;
  if (bases.length === 1 && Object.keys(properties).length === 0) return `export type ${name} = ${bases[0]};`;
  const heritage = bases.length === 0 ? "" : ` extends ${bases.join(", ")}`;
  return `export interface ${name}${heritage} { ${fieldsText(schema)} }`;
}

/** The same as data; see src/spec/engine-api/decode.ts for what it means. */
class ShapeWriter {
  readonly #definitions: Schema;

  constructor(definitions: Schema) {
    this.#definitions = definitions;
  }

  write(given: unknown, path: string): string {
    const schema = unwrap(schemaOf(given));
    const ref = refOf(schema);
    if (ref !== undefined) return `{ ref: ${JSON.stringify(ref)} }`;
    if (isRecord(schema.additionalProperties))
      return `{ map: ${this.write(schema.additionalProperties, path)} }`;
    if (schema.type === "array") {
      const single = stringOrList.has(path) ? ", single: true" : "";
      return `{ list: ${this.write(schema.items, path)}${single} }`;
    }
    if (schema.type === "integer") return JSON.stringify(schema.format ?? "int");
    if (schema.type === "number") return '"float64"';
    if (schema.type === "string") return '"string"';
    if (schema.type === "boolean") return '"bool"';
    return isObject(schema) ? this.#object(schema, path) : '"any"';
  }

  #object(schema: Schema, path: string): string {
    const { fields, required } = this.#flatten(schema, path);
    if (fields.length === 0) return '"struct"';
    const zeroed = required.length === 0 ? "" : `, required: ${JSON.stringify(required)}`;
    return `{ fields: { ${fields.join(", ")} }${zeroed} }`;
  }

  #flatten(schema: Schema, path: string): { fields: string[]; required: unknown[] } {
    const { bases, properties } = partsOf(schema);
    const inherited = bases.map((base) => this.#flatten(recordAt(this.#definitions, base), base));
    const own = Object.entries(properties).map(
      ([name, type]) => `${keyText(name)}: ${this.write(type, `${path}.${name}`)}`,
    );
    return {
      fields: [...inherited.flatMap((part) => part.fields), ...own],
      required: [...inherited.flatMap((part) => part.required), ...listAt(schema, "required")],
    };
  }
}

/** The definitions, and one more for each request body that is written in place: "ContainerCreateRequest". */
function allDefinitions(document: Schema): Schema {
  const bodies = Object.entries(recordAt(document, "operations"))
    .map(([name, operation]) => [`${name}Request`, recordAt(recordAt(operation, "requestBody"), "schema")])
    .filter(([, schema]) => isRecord(schema) && isObject(schema));
  const definitions: Record<string, unknown> = {
    ...recordAt(document, "definitions"),
    ...Object.fromEntries(bodies),
  };
  for (const [name, fields] of Object.entries(olderFields)) {
    const schema = recordAt(definitions, name);
    definitions[name] = { ...schema, properties: { ...recordAt(schema, "properties"), ...fields } };
  }
  return definitions;
}

function main(path: string): void {
  const document = schemaOf(JSON.parse(readFileSync(path, "utf8")));
  const definitions = allDefinitions(document);
  const names = Object.keys(definitions).sort();
  const shapes = new ShapeWriter(definitions);
  const folder = new URL("../src/spec/engine-api/", import.meta.url).pathname;
  const heading = "by tools/gen-engine-api.ts. Do not edit.\n\n";
  writeFileSync(
    `${folder}definitions.table.ts`,
    `// The Engine API's objects in their wire spelling, written ${heading}${names
      .map((name) => definitionText(name, recordAt(definitions, name)))
      .join("\n\n")}\n\n/** Every definition by its name. */\nexport interface Definitions { ${names
      .map((name) => `readonly ${name}: ${name};`)
      .join(" ")} }\n`,
  );
  writeFileSync(
    `${folder}shapes.table.ts`,
    `// The shapes of the Engine API's objects for decodeBody, written ${heading}import type { Definitions } from "./definitions.table.ts";\nimport type { Shape } from "./decode.ts";\n\nexport const shapes: Readonly<Record<keyof Definitions, Shape>> = { ${names
      .map((name) => `${name}: ${shapes.write(recordAt(definitions, name), name)}`)
      .join(",\n")} };\n`,
  );
  const biome = new URL("../node_modules/.bin/biome", import.meta.url).pathname;
  execFileSync(biome, ["check", "--write", folder], { stdio: "inherit" });
}

const [, , path] = process.argv;
if (path === undefined) throw new Error("usage: node tools/gen-engine-api.ts PATH/engine-api-schemas.json");
main(path);
