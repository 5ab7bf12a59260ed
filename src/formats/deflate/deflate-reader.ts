// A deflate stream taken apart (RFC 1951): its blocks, the tokens of each, and the bytes that they stand for.

import { type BitReader, DeflateError } from "./bits.ts";
import {
  type BlockCodes,
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  END_OF_BLOCK,
  FIXED,
  HuffmanDecoder,
  LENGTH_BASE,
  LENGTH_EXTRA,
  readBlockCodes,
} from "./codes.ts";

export const blockTypes = { stored: 0, fixed: 1, dynamic: 2 } as const;
export type BlockType = (typeof blockTypes)[keyof typeof blockTypes];

/** What a block begins with. */
export interface BlockHead {
  readonly final: boolean;
  readonly type: BlockType;
  /** The codes of a block of type 2, as they are written; else none. */
  readonly codes: { readonly bytes: Buffer; readonly count: number };
  /** Bytes of a block of type 0; else 0. */
  readonly size: number;
}

export type DeflatePart =
  | { readonly kind: "block"; readonly head: BlockHead }
  /** Some tokens of the block; both are views that the next part overwrites. */
  | { readonly kind: "tokens"; readonly tokens: Int32Array; readonly plain: Buffer }
  /** The bytes of a block of type 0; likewise. */
  | { readonly kind: "stored"; readonly plain: Buffer }
  | { readonly kind: "end"; readonly type: BlockType };

const WINDOW = 32 << 10;
/** Of plain bytes in a part. */
const PART = 256 << 10;
const MAX_MATCH = 258;
const NO_CODES = { bytes: Buffer.alloc(0), count: 0 };

/** Throws DeflateError for what is none. */
export class DeflateReader {
  readonly #bits: BitReader;
  /** The window, then the bytes of this part. */
  readonly #buffer = Buffer.alloc(WINDOW + PART + MAX_MATCH);
  readonly #tokens = new Int32Array(PART + 1);
  #at = WINDOW;

  constructor(bits: BitReader) {
    this.#bits = bits;
  }

  *parts(): Generator<DeflatePart, void, void> {
    for (let final = false; !final; ) {
      final = this.#bits.take(1) === 1;
      const type = blockType(this.#bits.take(2));
      const { head, lengths } = this.#head(final, type);
      yield { kind: "block", head };
      if (type === blockTypes.stored) yield* this.#stored(head.size);
      else
        yield* this.#compressed(new HuffmanDecoder(lengths.literals), new HuffmanDecoder(lengths.distances));
      yield { kind: "end", type };
    }
  }

  #head(final: boolean, type: BlockType): { readonly head: BlockHead; readonly lengths: BlockCodes } {
    let lengths = FIXED;
    if (type === blockTypes.stored)
      return { head: { final, type, codes: NO_CODES, size: this.#storedSize() }, lengths };
    if (type === blockTypes.fixed) return { head: { final, type, codes: NO_CODES, size: 0 }, lengths };
    const codes = this.#bits.copying(() => {
      lengths = readBlockCodes(this.#bits);
    });
    return { head: { final, type, codes, size: 0 }, lengths };
  }

  #storedSize(): number {
    if (this.#bits.align() !== 0) throw new DeflateError("the space before a stored block is not empty");
    const size = this.#bits.take(16);
    if ((this.#bits.take(16) ^ 0xffff) !== size) throw new DeflateError("invalid length of a stored block");
    return size;
  }

  *#stored(size: number): Generator<DeflatePart, void, void> {
    this.#slide();
    const plain = this.#buffer.subarray(this.#at, this.#at + size);
    if (this.#bits.bytes(plain) < size) throw new DeflateError("unexpected end of a stored block");
    this.#at += size;
    yield { kind: "stored", plain };
  }

  *#compressed(literals: HuffmanDecoder, distances: HuffmanDecoder): Generator<DeflatePart, void, void> {
    for (let ended = false; !ended; ) {
      this.#slide();
      const start = this.#at;
      let count = 0;
      for (; this.#at < WINDOW + PART; count++) {
        const symbol = literals.read(this.#bits);
        if (symbol === END_OF_BLOCK) {
          ended = true;
          break;
        }
        this.#tokens[count] = symbol < END_OF_BLOCK ? this.#literal(symbol) : this.#match(symbol, distances);
      }
      const plain = this.#buffer.subarray(start, this.#at);
      yield { kind: "tokens", tokens: this.#tokens.subarray(0, count), plain };
    }
  }

  #literal(byte: number): number {
    this.#buffer[this.#at++] = byte;
    return byte;
  }

  #match(symbol: number, distances: HuffmanDecoder): number {
    const bits = this.#bits;
    const code = symbol - END_OF_BLOCK - 1;
    const base = LENGTH_BASE[code];
    if (base === undefined) throw new DeflateError("invalid length code");
    const length = base + bits.take(LENGTH_EXTRA[code] ?? 0);
    const far = distances.read(bits);
    const distanceBase = DISTANCE_BASE[far];
    if (distanceBase === undefined) throw new DeflateError("invalid distance code");
    const distance = distanceBase + bits.take(DISTANCE_EXTRA[far] ?? 0);
    const buffer = this.#buffer;
    let at = this.#at;
    if (distance > at) throw new DeflateError("invalid distance");
    for (const end = at + length; at < end; at++) buffer[at] = buffer[at - distance] ?? 0;
    this.#at = at;
    return (distance << 9) | length;
  }

  /** Keeps the window only. */
  #slide(): void {
    this.#buffer.copy(this.#buffer, 0, this.#at - WINDOW, this.#at);
    this.#at = WINDOW;
  }
}

function blockType(value: number): BlockType {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new DeflateError("invalid block type");
}
