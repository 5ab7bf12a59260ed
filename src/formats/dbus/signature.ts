// D-Bus types by their signatures (D-Bus specification, "Type System"), as many as systemd's interface uses.

import { invalid } from "#base/errors.ts";

/** 64-bit numbers are bigints; "ay" is bytes; arrays, structures and entries of dictionaries are arrays. */
export type DbusValue = string | number | bigint | boolean | Uint8Array | DbusVariant | readonly DbusValue[];

/** A value that tells its type. */
export interface DbusVariant {
  readonly signature: string;
  readonly value: DbusValue;
}

const alignments: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  s: 4,
  o: 4,
  a: 4,
  x: 8,
  t: 8,
  d: 8,
  "(": 8,
  "{": 8,
};

/** Bytes that a value of this type begins at a multiple of. */
export function alignmentOf(type: string): number {
  const alignment = alignments[type.charAt(0)];
  if (alignment === undefined) throw invalid(`D-Bus type ${JSON.stringify(type)} is not supported`);
  return alignment;
}

/** "sa(sv)u" is "s", "a(sv)", "u". */
export function splitSignature(signature: string): readonly string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, start: number): number {
  const first = signature.charAt(start);
  if (first === "a") return endOfType(signature, start + 1);
  if (first !== "(" && first !== "{") return start + 1;
  for (let at = start, depth = 0; at < signature.length; at++) {
    const letter = signature.charAt(at);
    if ("({".includes(letter)) depth++;
    if (")}".includes(letter) && --depth === 0) return at + 1;
  }
  throw invalid(`D-Bus signature ${JSON.stringify(signature)} does not end`);
}
