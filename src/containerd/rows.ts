// Columns to values and back.

import type { StatementSync } from "node:sqlite";
import { integer, record, string } from "#base/decode.ts";
import { invalidArgument } from "./failures.ts";
import type { Labels } from "./scope.ts";

export type Row = ReturnType<StatementSync["get"]>;

const labelLimit = 4096;
const decodeLabels = record(string);

/** An empty value deletes a label, as in containerd. */
export function encodeLabels(labels: Labels): string {
  for (const [key, value] of Object.entries(labels))
    if (key.length + value.length > labelLimit)
      throw invalidArgument(
        `label key and value length greater than maximum size (${labelLimit} bytes), key: ${key.slice(0, 40)}`,
      );
  return JSON.stringify(Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== "")));
}

export const readLabels = (row: Row, column = "labels"): Labels =>
  decodeLabels(JSON.parse(readText(row, column)), column);
export const readText = (row: Row, column: string): string => string(row?.[column], column);
export const readInteger = (row: Row, column: string): number => integer(row?.[column], column);
export const readDate = (row: Row, column: string): Date => new Date(readInteger(row, column));
export const isNull = (row: Row, column: string): boolean => (row?.[column] ?? null) === null;
export function readBytes(row: Row, column: string): Uint8Array {
  const value = row?.[column];
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** The mask for setting these labels and no others. */
export const fieldsOf = (labels: Labels): readonly string[] =>
  Object.keys(labels).map((key) => `labels.${key}`);

/** A field mask over labels: "labels", or no field, replaces them all, "labels.x" sets (or, empty, deletes) one. */
export function maskLabels(current: Labels, wanted: Labels, fields: readonly string[]): Labels {
  if (fields.length === 0 || fields.includes("labels")) return wanted;
  const keys = fields
    .filter((field) => field.startsWith("labels."))
    .map((field) => field.slice("labels.".length));
  return { ...current, ...Object.fromEntries(keys.map((key) => [key, wanted[key] ?? ""])) };
}
