// Values that templates see, and what Go would print, compare and hold true of them.

import { stringifyExactJson } from "./exact-json.ts";

/** A Go struct with methods: an unknown name is an error, where a map just has no such key. Functions are methods. */
export class Struct {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(type: string, fields: Readonly<Record<string, unknown>>) {
    this.type = type;
    this.fields = fields;
  }

  /** As Docker's contexts do: an object of all fields that are plain values, sorted by name. */
  toJSON(): unknown {
    const plain = Object.entries(this.fields).filter(([, value]) => typeof value !== "function");
    return Object.fromEntries(plain.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Struct);

/** Zero, "", false, nothing and the empty collections are false. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Struct) return true;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

const sortedEntries = (map: Readonly<Record<string, unknown>>): [string, unknown][] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

function printNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString();
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** fmt.Print of one value. */
export function print(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (typeof value === "number") return printNumber(value);
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "bigint")
    return String(value);
  if (Array.isArray(value)) return `[${value.map(print).join(" ")}]`;
  if (value instanceof Struct) return `{${Object.values(value.fields).map(print).join(" ")}}`;
  if (isMap(value))
    return `map[${sortedEntries(value)
      .map(([key, element]) => `${key}:${print(element)}`)
      .join(" ")}]`;
  return String(value);
}

/** Go's type of a value, as its messages name it. */
export function typeName(value: unknown): string {
  if (value instanceof Struct) return value.type;
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (typeof value === "bigint") return "int";
  if (typeof value === "boolean") return "bool";
  if (value === null || value === undefined) return "<nil>";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}

/** What encoding/json would write: <, > and & escaped unless told otherwise. */
export function toJson(value: unknown, escapeHtml = false): string {
  const text = stringifyExactJson(value ?? null);
  if (!escapeHtml) return text;
  return text.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
