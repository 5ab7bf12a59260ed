// JSON whose integers stay exact: those beyond 2^53 (times in nanoseconds, limits) are read as bigint and written back.

import { claimed } from "#base/decode.ts";

const isInteger = (source: string): boolean => /^-?\d+$/.test(source);

/** Shorter integers are safe. */
const mayBeLong = /\d{16}/;

export function parseExactJson(text: string): unknown {
  if (!mayBeLong.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    return Number.isSafeInteger(value) || !isInteger(source) ? value : BigInt(source);
  });
}

/** JSON.rawJSON, which TypeScript does not know yet: a value that stands in the text as it is. */
const { rawJSON } = claimed<{ rawJSON(text: string): unknown }>(JSON);

export function stringifyExactJson(value: unknown, indent?: number): string {
  const exact = (_key: string, element: unknown): unknown =>
    typeof element === "bigint" ? rawJSON(String(element)) : element;
  return JSON.stringify(value, exact, indent) ?? "null";
}
