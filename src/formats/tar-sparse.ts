// Sparse files of tar archives: the header's size is that of the data, a map tells where in the file the data belongs. GNU tar has
// written the map in four ways, which are read as Go's archive/tar reads them:
//
//   type "S"   in the header block and in blocks that follow it        numbers as in headers
//   pax 0.0    GNU.sparse.offset, GNU.sparse.numbytes, again and again
//   pax 0.1    GNU.sparse.map "offset,length,…"
//   pax 1.0    before the data: decimal lines, the first one their count, filled up to whole blocks

import { BLOCK, invalidHeader, TarError } from "./tar-entry.ts";
import { decodeNumber } from "./tar-header.ts";
import { type PaxRecords, parsePaxNumber, SPARSE_MAP } from "./tar-pax.ts";

/** Data within a file, the rest of which are holes. */
interface Fragment {
  readonly offset: number;
  readonly length: number;
}

/** Where a file's data is. */
export type SparseMap = readonly Fragment[];

/** A piece of content: data of the archive, or as many zeros. */
export type SparsePiece =
  | { readonly kind: "data"; readonly data: Buffer }
  | { readonly kind: "hole"; readonly length: number };

const NUMBER = 12;
const OLD_MAP = { at: 386, entries: 4, size: 483 };
const MORE_MAP = { at: 0, entries: 21 };
/** An archive may not make the reader hold more. */
const MAX_FRAGMENTS = 1 << 20;

/** Reads a map that goes over several blocks. */
export interface MapReader {
  /** The blocks are of the entry's content, not before it. */
  readonly inContent: boolean;
  /** undefined while the map goes on. */
  push(block: Buffer): SparseMap | undefined;
}

/** The map of a header of type "S", which may go on in the blocks that follow. */
export class OldMap implements MapReader {
  readonly inContent = false;
  /** Of the file. */
  readonly size: number;
  readonly #fragments: Fragment[] = [];
  #continues: boolean;

  constructor(header: Buffer) {
    if (header.toString("latin1", 257, 263) !== "ustar ")
      throw invalidHeader("sparse file of another dialect");
    this.size = decodeNumber(header, OLD_MAP.size, NUMBER);
    this.#continues = this.#read(header, OLD_MAP);
  }

  get whole(): SparseMap | undefined {
    return this.#continues ? undefined : this.#fragments;
  }

  push(block: Buffer): SparseMap | undefined {
    this.#continues = this.#read(block, MORE_MAP);
    return this.whole;
  }

  #read(block: Buffer, { at, entries }: { readonly at: number; readonly entries: number }): boolean {
    const end = at + entries * 2 * NUMBER;
    for (let field = at; field < end && block[field] !== 0; field += 2 * NUMBER)
      this.#fragments.push({
        offset: decodeNumber(block, field, NUMBER),
        length: decodeNumber(block, field + NUMBER, NUMBER),
      });
    if (this.#fragments.length > MAX_FRAGMENTS) throw invalidHeader("a sparse map without end");
    return block[end] !== 0;
  }
}

/** What pax records say of a file: its map, that the map is before its data, or undefined if it is not sparse. */
export function readPaxMap(pax: PaxRecords): SparseMap | "inline" | undefined {
  const version = `${textOf(pax, "GNU.sparse.major")}.${textOf(pax, "GNU.sparse.minor")}`;
  const map = textOf(pax, SPARSE_MAP);
  if (version === "1.0") return "inline";
  const isOlder = version === "0.0" || version === "0.1" || (version === "." && map !== "");
  if (!isOlder) return undefined;
  const numbers = map === "" ? [] : map.split(",").map(parsePaxNumber);
  const count = parsePaxNumber(textOf(pax, "GNU.sparse.numblocks"));
  if (numbers.length !== 2 * count) throw invalidHeader("a sparse map of another length");
  return fragmentsOf(numbers);
}

/** The file's size, if pax records tell it. */
export function readPaxSize(pax: PaxRecords): number | undefined {
  const text = textOf(pax, "GNU.sparse.size") || textOf(pax, "GNU.sparse.realsize");
  return text === "" ? undefined : parsePaxNumber(text);
}

const textOf = (pax: PaxRecords, key: string): string => pax.get(key)?.toString("latin1") ?? "";

const fragmentsOf = (numbers: readonly number[]): SparseMap =>
  Array.from({ length: numbers.length / 2 }, (_, index) => ({
    offset: numbers[2 * index] ?? 0,
    length: numbers[2 * index + 1] ?? 0,
  }));

/** The map before the data, block by block. */
export class InlineMap implements MapReader {
  readonly inContent = true;
  readonly #numbers: number[] = [];
  #rest = "";

  push(block: Buffer): SparseMap | undefined {
    const lines = (this.#rest + block.toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > BLOCK) throw invalidHeader("a line of a sparse map without end");
    for (const line of lines) {
      if (this.#isWhole) break; // what fills the block up
      this.#numbers.push(parsePaxNumber(line));
      if (this.#wanted > 2 * MAX_FRAGMENTS) throw invalidHeader("a sparse map without end");
    }
    return this.#isWhole ? fragmentsOf(this.#numbers.slice(1)) : undefined;
  }

  get #wanted(): number {
    return 2 * (this.#numbers[0] ?? 0);
  }

  get #isWhole(): boolean {
    return this.#numbers.length > this.#wanted;
  }
}

/** Puts a file together from its data. */
export class SparseContent {
  readonly #map: SparseMap;
  readonly #size: number;
  #index = 0;
  /** In the file. */
  #at = 0;

  /** `stored`: bytes of data in the archive. Throws TarError if the map cannot be so. */
  constructor(map: SparseMap, size: number, stored: number) {
    checkMap(map, size);
    const data = map.reduce((sum, { length }) => sum + length, 0);
    if (data > stored) throw new TarError("archive/tar: sparse file references non-existent data");
    if (data < stored) throw new TarError("archive/tar: sparse file contains unreferenced data");
    this.#map = map.filter(({ length }) => length > 0);
    this.#size = size;
  }

  /** The next bytes of data, with the holes that are before and, at the end, after them. */
  *push(data: Buffer): Generator<SparsePiece, void, void> {
    let rest = data;
    while (rest.length > 0) {
      const { offset, length } = this.#map[this.#index] ?? { offset: this.#at, length: 0 };
      yield* this.#holeTo(offset);
      const piece = rest.subarray(0, offset + length - this.#at);
      yield { kind: "data", data: piece };
      rest = rest.subarray(piece.length);
      this.#at += piece.length;
      if (this.#at === offset + length) this.#index++;
    }
    yield* this.end();
  }

  /** After the last fragment: the hole that ends the file. */
  *end(): Generator<SparsePiece, void, void> {
    if (this.#index === this.#map.length) yield* this.#holeTo(this.#size);
  }

  *#holeTo(offset: number): Generator<SparsePiece, void, void> {
    const length = offset - this.#at;
    if (length <= 0) return;
    this.#at = offset;
    yield { kind: "hole", length };
  }
}

function checkMap(map: SparseMap, size: number): void {
  let end = 0;
  for (const { offset, length } of map) {
    if (offset < end || length < 0 || offset + length > size)
      throw invalidHeader("a sparse map that is out of order");
    end = offset + length;
  }
}
