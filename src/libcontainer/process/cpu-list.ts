// Lists of numbers as the kernel writes them ("0-3,7"), as bit masks.

import { invalid } from "#base/errors.ts";

const MOST = 8192;

/** Little endian, in whole words of 64 bits. An empty list is no bit at all. */
export function parseBitList(text: string, what: string): Uint8Array {
  const ranges = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => parseRange(part, what));
  const last = Math.max(-1, ...ranges.map(([, end]) => end));
  const mask = new Uint8Array(Math.ceil((last + 1) / 64) * 8);
  for (const [start, end] of ranges)
    for (let bit = start; bit <= end; bit++) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (1 << (bit & 7));
  return mask;
}

function parseRange(part: string, what: string): readonly [number, number] {
  const [, first = "", last = first] = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(part) ?? [];
  if (first === "" || Number(last) < Number(first) || Number(last) >= MOST)
    throw invalid(`${what}: "${part}" is not a range`);
  return [Number(first), Number(last)];
}
