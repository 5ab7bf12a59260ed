// What is needed beside the plain bytes to get the very bytes of a gzip file back, whichever program made it: how its stream is divided, its
// Huffman codes, and each token that TokenPredictor does not guess. The record, in numbers and bytes (record-file.ts):
//
//   style                           of the guesses: index of STYLES
//   raw size bytes                  of the container
//   start                           a deflate stream begins: nothing is known
//   know size                       so many plain bytes more are known
//   block final+2*type [bits bytes] [size]      codes of a dynamic block, bytes of a stored one
//   tokens n (gap token)* gap       n tokens; after each gap of right guesses comes the token that was not guessed: 0 for the byte that is
//                                   next, or length-2 distance
//   stored size | end type | stop
//   over

import { RecordError } from "../record-file.ts";
import type { Style } from "./token-predictor.ts";

export const steps = {
  raw: 0,
  start: 1,
  know: 2,
  block: 3,
  tokens: 4,
  stored: 5,
  end: 6,
  stop: 7,
  over: 8,
} as const;

/** Records name them by index: to be added to, never changed. zlib's levels, Go's, and Chromium's zlib, which Node has. */
export const STYLES: readonly Style[] = [
  { least: 4, good: 512, lazy: 16, nice: 128, chain: 128, remembered: 258, reach: 32768 },
  { least: 3, good: 8, lazy: 16, nice: 128, chain: 128, remembered: 258, reach: 32506 },
  { least: 3, good: 32, lazy: 258, nice: 258, chain: 4096, remembered: 258, reach: 32506 },
  { least: 3, good: 4, lazy: 0, nice: 8, chain: 4, remembered: 4, reach: 32506 },
  { least: 4, good: 512, lazy: 258, nice: 258, chain: 4096, remembered: 258, reach: 32768 },
  { least: 4, good: 8, lazy: 16, nice: 128, chain: 128, remembered: 258, reach: 32506 },
  { least: 4, good: 512, lazy: 0, nice: 258, chain: 1, remembered: 258, reach: 32768 },
];
export function styleOf(index: number): Style {
  const style = STYLES[index];
  if (style === undefined) throw new RecordError("a record of an unknown style");
  return style;
}
