// Reads a tar archive from chunks of any size, without copying content. Synchronous, so that a worker can interleave it with anything.
//
//   reader.push(chunk) yields   entry, (data|hole)*, entry, …   and, once the two zero blocks are seen, nothing more.
//   reader.finish() throws if the archive ended in the middle of something.

import { BLOCK, invalidHeader, type TarEntry, type TarEntryType, TarError } from "./tar-entry.ts";
import { decodeHeader, isZeroBlock, type RawHeader } from "./tar-header.ts";
import { type PaxRecords, parsePax, parsePaxNumber, parsePaxTime } from "./tar-pax.ts";
import {
  InlineMap,
  type MapReader,
  OldMap,
  readPaxMap,
  readPaxSize,
  SparseContent,
  type SparseMap,
  type SparsePiece,
} from "./tar-sparse.ts";

/** Data is a view into the pushed chunk. Data and holes sum to the size of the entry. */
export type TarEvent = { readonly kind: "entry"; readonly entry: TarEntry } | SparsePiece;

const typeOf: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

/** Extended headers and long names: as Go's archive/tar, which Docker uses. */
const MAX_SPECIAL = 1 << 20;
/** No path that a system call takes is longer (PATH_MAX with its NUL), nor can a symbolic link's target be. */
const MAX_NAME = 4095;
const XATTR_PREFIX = "SCHILY.xattr.";
const NO_RECORDS: PaxRecords = new Map();

type Special = "pax" | "global" | "longName" | "longLink";
const specialOf: Readonly<Record<string, Special>> = { x: "pax", g: "global", L: "longName", K: "longLink" };

type State =
  | { readonly kind: "header" }
  | { readonly kind: "content"; left: number; padding: number; readonly sparse?: SparseContent }
  /** The map of a sparse file goes on; `stored`: bytes that the archive has of the entry from here on. */
  | { readonly kind: "map"; readonly map: MapReader; readonly entry: TarEntry; stored: number }
  | { readonly kind: "padding"; left: number }
  | { readonly kind: "special"; readonly special: Special; left: number; padding: number }
  | { readonly kind: "zero" }
  | { readonly kind: "end" };

const decoder = new TextDecoder("utf-8", { fatal: true });

export class TarReader {
  #state: State = { kind: "header" };
  /** Bytes of a header block or of a special entry that came in pieces. */
  #pieces: Buffer[] = [];
  #held = 0;
  #pax: PaxRecords = NO_RECORDS;
  #longName: Buffer | undefined;
  #longLink: Buffer | undefined;

  /** The archive's end marker has been read; what follows is padding. */
  get ended(): boolean {
    return this.#state.kind === "end";
  }

  *push(chunk: Buffer): Generator<TarEvent, void, void> {
    let rest = chunk;
    while (rest.length > 0 && this.#state.kind !== "end") {
      const taken = Math.min(this.#wanted(), rest.length);
      const events = this.#step(rest.subarray(0, taken));
      if (events !== undefined) yield* events;
      rest = rest.subarray(taken);
    }
  }

  /** Bytes until the current state has what it waits for. */
  #wanted(): number {
    return "left" in this.#state ? this.#state.left : BLOCK - this.#held;
  }

  #step(piece: Buffer): Iterable<TarEvent> | undefined {
    const state = this.#state;
    switch (state.kind) {
      case "header":
      case "zero": {
        const block = this.#collect(piece, BLOCK);
        return block === undefined ? undefined : this.#header(block);
      }
      case "map": {
        const block = this.#collect(piece, BLOCK);
        return block === undefined ? undefined : this.#moreMap(state, block);
      }
      case "content":
        state.left -= piece.length;
        if (state.left === 0) this.#skip(state.padding);
        return state.sparse?.push(piece) ?? [{ kind: "data", data: piece }];
      case "special": {
        const whole = this.#collect(piece, this.#held + state.left);
        state.left -= piece.length;
        if (whole !== undefined) this.#specialDone(state.special, whole, state.padding);
        return undefined;
      }
      case "padding":
        state.left -= piece.length;
        if (state.left === 0) this.#state = { kind: "header" };
        return undefined;
      case "end":
        return undefined;
      default:
        return state satisfies never;
    }
  }

  /** An archive may end without its end marker and without what fills its last block, but only between entries. */
  finish(): void {
    const { kind } = this.#state;
    if (kind === "end" || kind === "padding") return;
    if ((kind === "zero" || kind === "header") && this.#held === 0) return;
    throw new TarError("unexpected EOF");
  }

  /** Collects until `wanted` bytes are there; no copy when they come in one piece. */
  #collect(piece: Buffer, wanted: number): Buffer | undefined {
    if (this.#held === 0 && piece.length === wanted) return piece;
    this.#pieces.push(Buffer.from(piece));
    this.#held += piece.length;
    if (this.#held < wanted) return undefined;
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#held = 0;
    return whole;
  }

  #skip(padding: number): void {
    this.#state = padding === 0 ? { kind: "header" } : { kind: "padding", left: padding };
  }

  #header(block: Buffer): Iterable<TarEvent> | undefined {
    if (isZeroBlock(block)) {
      this.#state = this.#state.kind === "zero" ? { kind: "end" } : { kind: "zero" };
      return undefined;
    }
    if (this.#state.kind === "zero") throw invalidHeader("data after a zero block");
    const raw = decodeHeader(block);
    const special = specialOf[raw.type];
    if (special !== undefined) {
      this.#special(special, raw.size);
      return undefined;
    }
    const old = raw.type === "S" ? new OldMap(block) : undefined;
    const map = old ?? readPaxMap(this.#pax);
    const entry = this.#entry(raw, map !== undefined);
    const size = old?.size ?? readPaxSize(this.#pax) ?? entry.size;
    this.#pax = NO_RECORDS;
    this.#longName = undefined;
    this.#longLink = undefined;
    if (map === undefined) return this.#begin(entry, entry.size);
    if (entry.type !== "file") throw invalidHeader("a sparse entry that is no file");
    return this.#beginSparse({ ...entry, size: fileSize(size) }, entry.size, map);
  }

  /** `stored`: bytes of content in the archive. */
  #begin(entry: TarEntry, stored: number, map?: SparseMap): readonly TarEvent[] {
    const sparse = map === undefined ? undefined : new SparseContent(map, entry.size, stored);
    const padding = paddingOf(stored);
    if (stored === 0) this.#skip(0);
    else this.#state = { kind: "content", left: stored, padding, ...(sparse !== undefined && { sparse }) };
    const start: TarEvent = { kind: "entry", entry };
    return stored === 0 && sparse !== undefined ? [start, ...sparse.end()] : [start];
  }

  #beginSparse(
    entry: TarEntry,
    stored: number,
    map: OldMap | SparseMap | "inline",
  ): readonly TarEvent[] | undefined {
    const whole = map instanceof OldMap ? map.whole : map;
    if (whole !== undefined && whole !== "inline") return this.#begin(entry, stored, whole);
    this.#state = { kind: "map", map: map instanceof OldMap ? map : new InlineMap(), entry, stored };
    return undefined;
  }

  #moreMap(state: Extract<State, { readonly kind: "map" }>, block: Buffer): readonly TarEvent[] | undefined {
    if (state.map.inContent) state.stored -= BLOCK;
    if (state.stored < 0) throw new TarError("unexpected EOF");
    const map = state.map.push(block);
    return map === undefined ? undefined : this.#begin(state.entry, state.stored, map);
  }

  #special(special: Special, size: number): void {
    if (size < 0) throw invalidHeader("negative size");
    if (size > MAX_SPECIAL) throw new TarError("archive/tar: header field too long");
    if (size === 0) this.#specialDone(special, Buffer.alloc(0), 0);
    else this.#state = { kind: "special", special, left: size, padding: paddingOf(size) };
  }

  #specialDone(special: Special, bytes: Buffer, padding: number): void {
    this.#skip(padding);
    switch (special) {
      case "pax":
        this.#pax = parsePax(bytes);
        return;
      case "global": // read for its form; its defaults are not applied, as Docker does not
        parsePax(bytes);
        return;
      case "longName":
        this.#longName = untilNul(bytes);
        return;
      case "longLink":
        this.#longLink = untilNul(bytes);
        return;
      default:
        special satisfies never;
    }
  }

  #entry(raw: RawHeader, isSparse: boolean): TarEntry {
    const pax = this.#pax;
    const sparseName = isSparse ? pax.get("GNU.sparse.name") : undefined;
    const nameBytes = sparseName ?? pax.get("path") ?? this.#longName ?? raw.name;
    const name = text(nameBytes);
    const type = entryType(raw.type, name);
    return {
      type,
      name,
      linkName: text(pax.get("linkpath") ?? this.#longLink ?? raw.linkName),
      mode: raw.mode & 0o7777,
      uid: paxNumber(pax, "uid") ?? raw.uid,
      gid: paxNumber(pax, "gid") ?? raw.gid,
      size: type === "file" ? fileSize(paxNumber(pax, "size") ?? raw.size) : 0,
      mtime: paxTime(pax) ?? { sec: raw.mtime, nsec: 0 },
      major: raw.major,
      minor: raw.minor,
      xattrs: xattrsOf(pax),
    };
  }
}

function entryType(flag: string, name: string): TarEntryType {
  const type = typeOf[flag];
  if (type === undefined) throw new TarError(`unhandled tar header type ${flag.charCodeAt(0)}`);
  // The oldest format has no directories but files with a slash at the end.
  return type === "file" && name.endsWith("/") ? "directory" : type;
}

function fileSize(size: number): number {
  if (size < 0) throw invalidHeader("negative size");
  return size;
}

const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function text(bytes: Buffer): string {
  if (bytes.length > MAX_NAME) throw new TarError(`file name too long: ${bytes.length} bytes`);
  if (bytes.includes(0)) throw invalidHeader("NUL in a name");
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new TarError(`file name ${JSON.stringify(bytes.toString("latin1"))} is not valid UTF-8`, { cause });
  }
}

function paxNumber(pax: PaxRecords, key: string): number | undefined {
  const value = pax.get(key);
  return value === undefined ? undefined : parsePaxNumber(value.toString("latin1"));
}

function paxTime(pax: PaxRecords): TarEntry["mtime"] | undefined {
  const value = pax.get("mtime");
  return value === undefined ? undefined : parsePaxTime(value.toString("latin1"));
}

function xattrsOf(pax: PaxRecords): TarEntry["xattrs"] {
  if (pax.size === 0) return [];
  return [...pax]
    .filter(([key]) => key.startsWith(XATTR_PREFIX) && key.length > XATTR_PREFIX.length)
    .map(([key, value]) => ({ name: key.slice(XATTR_PREFIX.length), value }));
}
