// The codes of deflate (RFC 1951, 3.2): lengths and distances with their extra bits, and Huffman codes from their lengths.

import { type BitReader, DeflateError } from "./bits.ts";

/**
 * A step of a deflate stream: a byte as it is (0 to 255), or a repetition: distance << 9 | length.
 */
export type Token = number;

export const END_OF_BLOCK = 256;
const LENGTH_CODES = 29;
const DISTANCE_CODES = 30;

export const LENGTH_EXTRA = new Uint8Array(LENGTH_CODES);
export const LENGTH_BASE = new Uint16Array(LENGTH_CODES);
export const DISTANCE_EXTRA = new Uint8Array(DISTANCE_CODES);
export const DISTANCE_BASE = new Uint16Array(DISTANCE_CODES);
/** By length: its code, counted from 0. */
export const LENGTH_CODE = new Uint8Array(259);
const NEAR = 256;
const nearCode = new Uint8Array(NEAR + 1);
const farCode = new Uint8Array(NEAR);

fillTables();

function fillTables(): void {
  for (let code = 0, base = 3; code < LENGTH_CODES - 1; code++) {
    const extra = code < 8 ? 0 : (code >> 2) - 1;
    [LENGTH_EXTRA[code], LENGTH_BASE[code]] = [extra, base];
    LENGTH_CODE.fill(code, base, base + (1 << extra));
    base += 1 << extra;
  }
  LENGTH_BASE[LENGTH_CODES - 1] = 258;
  LENGTH_CODE[258] = LENGTH_CODES - 1;
  for (let code = 0, base = 1; code < DISTANCE_CODES; code++) {
    const extra = code < 4 ? 0 : (code >> 1) - 1;
    [DISTANCE_EXTRA[code], DISTANCE_BASE[code]] = [extra, base];
    for (let distance = base; distance < base + (1 << extra); distance++)
      if (distance <= NEAR) nearCode[distance] = code;
      else farCode[(distance - 1) >> 7] = code;
    base += 1 << extra;
  }
}

export const distanceCode = (distance: number): number =>
  (distance <= NEAR ? nearCode[distance] : farCode[(distance - 1) >> 7]) ?? 0;

const MAX_BITS = 15;

/** How many codes there are of each length, and the first code of each (RFC 1951, 3.2.2). */
function count(lengths: Uint8Array): { readonly counts: Uint16Array; readonly first: Uint16Array } {
  const counts = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) if (length > 0) counts[length] = (counts[length] ?? 0) + 1;
  const first = new Uint16Array(MAX_BITS + 2);
  let code = 0;
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    code = (code + (counts[bits - 1] ?? 0)) << 1;
    first[bits] = code;
    if (code + (counts[bits] ?? 0) > 1 << bits) throw new DeflateError("over-full Huffman code");
  }
  return { counts, first };
}

function reversed(code: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit++) result |= ((code >> bit) & 1) << (bits - 1 - bit);
  return result;
}

/** By symbol: its code with the first bit lowest, as it is written. */
export interface HuffmanCodes {
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
}

export function huffmanCodes(lengths: Uint8Array): HuffmanCodes {
  const { first } = count(lengths);
  const codes = new Uint16Array(lengths.length);
  for (const [symbol, bits] of lengths.entries()) {
    if (bits === 0) continue;
    const code = first[bits] ?? 0;
    first[bits] = code + 1;
    codes[symbol] = reversed(code, bits);
  }
  return { codes, lengths };
}

const FAST_BITS = 10;
const FAST_MASK = (1 << FAST_BITS) - 1;

/** Reads the symbols of one Huffman code. */
export class HuffmanDecoder {
  /** By the next bits: symbol << 4 | length of its code; 0 if that is longer. */
  readonly #fast = new Uint16Array(1 << FAST_BITS);
  /** The longer codes: length << 16 | code as it is written. */
  readonly #long = new Map<number, number>();

  constructor(lengths: Uint8Array) {
    const { codes } = huffmanCodes(lengths);
    for (const [symbol, bits] of lengths.entries()) {
      const code = codes[symbol] ?? 0;
      if (bits === 0) continue;
      if (bits > FAST_BITS) this.#long.set((bits << 16) | code, symbol);
      else for (let at = code; at <= FAST_MASK; at += 1 << bits) this.#fast[at] = (symbol << 4) | bits;
    }
  }

  read(bits: BitReader): number {
    const next = bits.peek();
    const found = this.#fast[next & FAST_MASK] ?? 0;
    if (found === 0) return this.#readLong(bits, next);
    bits.drop(found & 15);
    return found >> 4;
  }

  #readLong(bits: BitReader, next: number): number {
    for (let length = FAST_BITS + 1; length <= MAX_BITS; length++) {
      const symbol = this.#long.get((length << 16) | (next & ((1 << length) - 1)));
      if (symbol === undefined) continue;
      bits.drop(length);
      return symbol;
    }
    throw new DeflateError("invalid Huffman code");
  }
}

/** Lengths of the codes of one block. */
export interface BlockCodes {
  readonly literals: Uint8Array;
  readonly distances: Uint8Array;
}

export const FIXED: BlockCodes = {
  literals: new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280),
  distances: new Uint8Array(30).fill(5),
};

/** The order in which lengths of the code of code lengths come. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** What a block of type 2 begins with (RFC 1951, 3.2.7). All bits are got by `take`. */
export function readBlockCodes(bits: BitReader): BlockCodes {
  const literals = bits.take(5) + 257;
  const distances = bits.take(5) + 1;
  const own = bits.take(4) + 4;
  const lengths = new Uint8Array(19);
  for (const symbol of ORDER.slice(0, own)) lengths[symbol] = bits.take(3);
  const symbols = new Map<number, number>();
  const { codes } = huffmanCodes(lengths);
  for (const [symbol, length] of lengths.entries())
    if (length > 0) symbols.set((length << 16) | (codes[symbol] ?? 0), symbol);
  const all = new Uint8Array(literals + distances);
  for (let at = 0; at < all.length; ) {
    const symbol = takeSymbol(bits, symbols);
    const [value, repeat] = repetition(bits, symbol, all[at - 1]);
    if (at + repeat > all.length) throw new DeflateError("too many code lengths");
    all.fill(value, at, at + repeat);
    at += repeat;
  }
  return { literals: all.slice(0, literals), distances: all.slice(literals) };
}

function takeSymbol(bits: BitReader, symbols: ReadonlyMap<number, number>): number {
  let code = 0;
  for (let length = 1; length <= 7; length++) {
    code |= bits.take(1) << (length - 1);
    const symbol = symbols.get((length << 16) | code);
    if (symbol !== undefined) return symbol;
  }
  throw new DeflateError("invalid code of a code length");
}

function repetition(bits: BitReader, symbol: number, before: number | undefined): readonly [number, number] {
  if (symbol < 16) return [symbol, 1];
  if (symbol === 17) return [0, 3 + bits.take(3)];
  if (symbol === 18) return [0, 11 + bits.take(7)];
  if (before === undefined) throw new DeflateError("a code length is repeated that there is not");
  return [before, 3 + bits.take(2)];
}
