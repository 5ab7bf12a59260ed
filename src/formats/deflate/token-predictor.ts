// Guesses the next token that a compressor made of known bytes, by making the choices of zlib's family: chains of places with the same
// hash, and one byte's patience before a match is taken. Guesses need not be right, only the same each time for the same bytes and the
// same tokens told before: what differs is written down by whoever asks.

import type { Token } from "./codes.ts";

/** What compressors of the family differ in. */
export interface Style {
  /** Bytes of the shortest match, and of what is hashed: 3 as zlib, 4 as Go. */
  readonly least: 3 | 4;
  /** Places that are looked at, and how many of them after a match of `good` bytes. */
  readonly chain: number;
  readonly good: number;
  /** A match of so many bytes is looked no further for. */
  readonly nice: number;
  /** After a match of fewer bytes a better one is looked for at the next byte; 0 is never. */
  readonly lazy: number;
  /** Of longer matches only the first byte is remembered. */
  readonly remembered: number;
  /** The farthest distance; that of a shortest match is at most 4096. */
  readonly reach: number;
}

const WINDOW = 32 << 10;
const WINDOW_MASK = WINDOW - 1;
const MAX_MATCH = 258;
const TOO_FAR = 4096;
/** Bytes after a token that its guess may look at. */
export const LOOKAHEAD = MAX_MATCH + 8;
const ROOM = WINDOW * 2 + (1 << 20);
const NONE = -1;

export class TokenPredictor {
  readonly #style: Style;
  readonly #buffer = Buffer.alloc(ROOM);
  readonly #head = new Int32Array(1 << 17).fill(NONE);
  readonly #previous = new Int32Array(WINDOW);
  #at = 0;
  #end = 0;
  /** Places below it are in the chains. */
  #inserted = 0;
  /** The match at the next byte that was found while the last token was guessed: 0 is none. */
  #next = 0;
  #waiting = false;

  constructor(style: Style) {
    this.#style = style;
  }

  /** As new. */
  reset(): void {
    this.#head.fill(NONE);
    this.#at = 0;
    this.#end = 0;
    this.#inserted = 0;
    this.#waiting = false;
  }

  /** Bytes that are known and have no token yet. */
  get ahead(): number {
    return this.#end - this.#at;
  }

  /** Up to 1 MiB may be ahead. */
  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > ROOM) this.#slide();
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The byte that is next. */
  get byte(): number {
    return this.#buffer[this.#at] ?? 0;
  }

  /** Of bytes that are known: LOOKAHEAD of them, or all that there are. */
  guess(): Token {
    const { least, lazy } = this.#style;
    const match = this.#waiting ? this.#next : this.#find(this.#at, least - 1);
    this.#waiting = false;
    const length = match & 511;
    if (length < least) return this.byte;
    if (length >= lazy) return match;
    const better = this.#find(this.#at + 1, length);
    if ((better & 511) <= length) return match;
    this.#next = better;
    this.#waiting = true;
    return this.byte;
  }

  /** What the token really was, `guessed` or not. */
  take(token: Token, guessed: boolean): void {
    const length = token < 256 ? 1 : token & 511;
    if (!guessed) this.#waiting = false;
    if (length > this.#style.remembered) {
      this.#insertTo(this.#at + 1);
      this.#inserted = Math.max(this.#inserted, this.#at + length);
    }
    this.#at += length;
  }

  /** Bytes that have no tokens. */
  skip(count: number): Uint8Array {
    const bytes = this.#buffer.subarray(this.#at, this.#at + count);
    this.#waiting = false;
    this.#at += count;
    return bytes;
  }

  /** The longest match at the place that is longer than `floor`, or 0. */
  #find(at: number, floor: number): Token {
    const { least, nice, good, chain } = this.#style;
    this.#insertTo(at);
    const most = Math.min(MAX_MATCH, this.#end - at);
    if (most < least) return 0;
    const buffer = this.#buffer;
    const enough = Math.min(nice, most);
    let best = floor;
    let found = 0;
    let candidate = this.#head[this.#hash(at)] ?? NONE;
    for (let left = floor >= good ? chain >> 2 : chain; left > 0 && this.#reaches(candidate, at); left--) {
      const length =
        buffer[candidate + best] === buffer[at + best] ? sharedBytes(buffer, candidate, at, most) : 0;
      if (length > best && (length > least || at - candidate <= TOO_FAR)) {
        best = length;
        found = ((at - candidate) << 9) | length;
        if (length >= enough) break;
      }
      candidate = this.#before(candidate);
    }
    return found;
  }

  #reaches(candidate: number, at: number): boolean {
    return candidate !== NONE && candidate >= at - this.#style.reach;
  }

  /** The one before it with the same hash. */
  #before(candidate: number): number {
    const before = this.#previous[candidate & WINDOW_MASK] ?? NONE;
    return before < candidate ? before : NONE; // else overwritten
  }

  /** As zlib and Go have it, since places of other bytes with the same hash count, too. */
  #hash(at: number): number {
    const buffer = this.#buffer;
    const [first, second, third] = [buffer[at] ?? 0, buffer[at + 1] ?? 0, buffer[at + 2] ?? 0];
    if (this.#style.least === 3) return ((first << 10) ^ (second << 5) ^ third) & 0x7fff;
    const four = (first << 24) | (second << 16) | (third << 8) | (buffer[at + 3] ?? 0);
    return Math.imul(four, 0x1e35a7bd) >>> 15;
  }

  /** Puts the places below `end` into the chains, but those whose bytes are not all known. */
  #insertTo(end: number): void {
    const last = Math.min(end, this.#end - this.#style.least + 1);
    for (let at = this.#inserted; at < last; at++) {
      const hash = this.#hash(at);
      this.#previous[at & WINDOW_MASK] = this.#head[hash] ?? NONE;
      this.#head[hash] = at;
    }
    if (last > this.#inserted) this.#inserted = last;
  }

  /** By whole windows, so that places keep their positions in the chains. */
  #slide(): void {
    const by = Math.max(0, this.#at - WINDOW) & ~WINDOW_MASK;
    this.#buffer.copy(this.#buffer, 0, by, this.#end);
    this.#at -= by;
    this.#end -= by;
    this.#inserted -= by;
    for (const table of [this.#head, this.#previous])
      for (let index = 0; index < table.length; index++)
        table[index] = Math.max(NONE, (table[index] ?? NONE) - by);
  }
}

function sharedBytes(buffer: Buffer, left: number, right: number, most: number): number {
  let length = 0;
  while (length < most && buffer[left + length] === buffer[right + length]) length++;
  return length;
}
