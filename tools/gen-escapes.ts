// Writes native/escapes.gen.h: how each byte of a program's output stands in a JSON string as Docker's json-file log has it.
//   node tools/gen-escapes.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Go's encoder names these characters; any other control character, and what HTML would take for its own, has its number. */
const named: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r" };
const html = "<>&";

function escapeOf(byte: number): string {
  const character = String.fromCharCode(byte);
  const name = named[character];
  if (name !== undefined) return name;
  return byte < 0x20 || html.includes(character) ? `\\u${byte.toString(16).padStart(4, "0")}` : "";
}

/** Well-formed UTF-8 (The Unicode Standard, table 3-7): first bytes, length, range of the second byte. */
const sequences: readonly (readonly [
  first: number,
  last: number,
  length: number,
  low: number,
  high: number,
])[] = [
  [0xc2, 0xdf, 2, 0x80, 0xbf],
  [0xe0, 0xe0, 3, 0xa0, 0xbf],
  [0xe1, 0xec, 3, 0x80, 0xbf],
  [0xed, 0xed, 3, 0x80, 0x9f],
  [0xee, 0xef, 3, 0x80, 0xbf],
  [0xf0, 0xf0, 4, 0x90, 0xbf],
  [0xf1, 0xf3, 4, 0x80, 0xbf],
  [0xf4, 0xf4, 4, 0x80, 0x8f],
];

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;

function rowOf(byte: number): string {
  const text = escapeOf(byte);
  if (text !== "") return `\t[${hex(byte)}] = { .size = ${text.length}, .text = ${JSON.stringify(text)} },`;
  if (byte < 0x80) return `\t[${hex(byte)}] = { .plain = true },`;
  const sequence = sequences.find(([first, last]) => first <= byte && byte <= last);
  if (sequence === undefined) return "";
  const [, , length, low, high] = sequence;
  return `\t[${hex(byte)}] = { .length = ${length}, .low = ${hex(low)}, .high = ${hex(high)} },`;
}

export const generateEscapes = (): string =>
  [
    "/* Written by tools/gen-escapes.ts. Do not edit. */",
    "#ifndef GANTRY_ESCAPES_GEN_H",
    "#define GANTRY_ESCAPES_GEN_H",
    "#include <stdbool.h>",
    "#include <stdint.h>",
    "",
    "/* By byte of the output. */",
    "static const struct {",
    "\tbool plain; /* stands for itself */",
    "\tuint8_t size; /* of what stands for it, or 0 */",
    "\tuint8_t length, low, high; /* of a sequence that it begins, and the range of the second byte; or 0 */",
    "\tchar text[8];",
    "} escapes[256] = {",
    ...Array.from({ length: 256 }, (_, byte) => rowOf(byte)).filter((row) => row !== ""),
    "};",
    "",
    "#endif",
    "",
  ].join("\n");

if (import.meta.main) writeFileSync(join(import.meta.dirname, "../native/escapes.gen.h"), generateEscapes());
