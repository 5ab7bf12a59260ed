// A deflate stream put together again from its blocks and tokens.

import { BitReader, BitWriter } from "./bits.ts";
import {
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  distanceCode,
  END_OF_BLOCK,
  FIXED,
  type HuffmanCodes,
  huffmanCodes,
  LENGTH_BASE,
  LENGTH_CODE,
  LENGTH_EXTRA,
  readBlockCodes,
  type Token,
} from "./codes.ts";
import { type BlockHead, type BlockType, blockTypes } from "./deflate-reader.ts";

export class DeflateWriter {
  readonly #bits = new BitWriter();
  #literals: HuffmanCodes = huffmanCodes(FIXED.literals);
  #distances: HuffmanCodes = huffmanCodes(FIXED.distances);

  block({ final, type, codes, size }: BlockHead): void {
    const bits = this.#bits;
    bits.put(final ? 1 : 0, 1);
    bits.put(type, 2);
    if (type === blockTypes.stored) {
      bits.align();
      bits.put(size, 16);
      bits.put(size ^ 0xffff, 16);
      return;
    }
    for (let at = 0; at * 8 < codes.count; at++)
      bits.put(codes.bytes[at] ?? 0, Math.min(8, codes.count - at * 8));
    const lengths = type === blockTypes.fixed ? FIXED : readBlockCodes(readerOf(codes.bytes));
    this.#literals = huffmanCodes(lengths.literals);
    this.#distances = huffmanCodes(lengths.distances);
  }

  token(token: Token): void {
    const { codes, lengths } = this.#literals;
    const bits = this.#bits;
    if (token < END_OF_BLOCK) {
      bits.put(codes[token] ?? 0, lengths[token] ?? 0);
      return;
    }
    const length = token & 511;
    const distance = token >> 9;
    const code = LENGTH_CODE[length] ?? 0;
    const symbol = END_OF_BLOCK + 1 + code;
    bits.put(codes[symbol] ?? 0, lengths[symbol] ?? 0);
    bits.put(length - (LENGTH_BASE[code] ?? 0), LENGTH_EXTRA[code] ?? 0);
    const far = distanceCode(distance);
    bits.put(this.#distances.codes[far] ?? 0, this.#distances.lengths[far] ?? 0);
    bits.put(distance - (DISTANCE_BASE[far] ?? 0), DISTANCE_EXTRA[far] ?? 0);
  }

  /** Of a block of type 0, or what stands before and behind the stream. */
  bytes(bytes: Uint8Array): void {
    this.#bits.bytes(bytes);
  }

  endBlock(type: BlockType): void {
    if (type === blockTypes.stored) return;
    this.#bits.put(this.#literals.codes[END_OF_BLOCK] ?? 0, this.#literals.lengths[END_OF_BLOCK] ?? 0);
  }

  /** The stream has ended: what follows begins with a byte of its own. */
  end(): void {
    this.#bits.align();
  }

  /** Complete bytes that were not flushed yet. */
  get size(): number {
    return this.#bits.size;
  }

  flush(): readonly Buffer<ArrayBuffer>[] {
    return this.#bits.flush();
  }
}

function readerOf(bytes: Buffer): BitReader {
  let given = false;
  return new BitReader({
    read: (into) => {
      if (given) return 0;
      given = true;
      into.set(bytes);
      return bytes.length;
    },
  });
}
