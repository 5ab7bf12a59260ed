// Reads a tar archive from chunks of any size, without copying content. Synchronous, so that a worker can interleave it with anything.
//
//   reader.push(chunk) yields   entry, data*, entry, data*, …   and, once the two zero blocks are seen, nothing more.
//   reader.finish() throws if the archive ended in the middle of something.

import { BLOCK, type TarEntry, type TarEntryType, TarError } from "./tar-entry.ts";
import { decodeHeader, isZeroBlock, type RawHeader } from "./tar-header.ts";
import { type PaxRecords, parsePax, parsePaxNumber, parsePaxTime } from "./tar-pax.ts";

export type TarEvent =
  | { readonly kind: "entry"; readonly entry: TarEntry }
  /** A view into the pushed chunk. */
  | { readonly kind: "data"; readonly data: Buffer };

const typeOf: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
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
  | { readonly kind: "content"; left: number; padding: number }
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
      const event = this.#step(rest.subarray(0, taken));
      if (event !== undefined) yield event;
      rest = rest.subarray(taken);
    }
  }

  /** Bytes until the current state has what it waits for. */
  #wanted(): number {
    return "left" in this.#state ? this.#state.left : BLOCK - this.#held;
  }

  #step(piece: Buffer): TarEvent | undefined {
    const state = this.#state;
    switch (state.kind) {
      case "header":
      case "zero": {
        const block = this.#collect(piece, BLOCK);
        const entry = block === undefined ? undefined : this.#header(block);
        return entry === undefined ? undefined : { kind: "entry", entry };
      }
      case "content":
        state.left -= piece.length;
        if (state.left === 0) this.#skip(state.padding);
        return { kind: "data", data: piece };
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

  /** An archive may end without its end marker, but only between entries. */
  finish(): void {
    const { kind } = this.#state;
    if (kind === "end" || kind === "zero" || (kind === "header" && this.#held === 0)) return;
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

  #header(block: Buffer): TarEntry | undefined {
    if (isZeroBlock(block)) {
      this.#state = this.#state.kind === "zero" ? { kind: "end" } : { kind: "zero" };
      return undefined;
    }
    if (this.#state.kind === "zero") throw new TarError("invalid tar header: data after a zero block");
    const raw = decodeHeader(block);
    const special = specialOf[raw.type];
    if (special !== undefined) {
      this.#special(special, raw.size);
      return undefined;
    }
    const entry = this.#entry(raw);
    this.#pax = NO_RECORDS;
    this.#longName = undefined;
    this.#longLink = undefined;
    if (entry.size === 0) this.#skip(0);
    else this.#state = { kind: "content", left: entry.size, padding: paddingOf(entry.size) };
    return entry;
  }

  #special(special: Special, size: number): void {
    if (size < 0 || size > MAX_SPECIAL) throw new TarError("invalid tar header: extended header too large");
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

  #entry(raw: RawHeader): TarEntry {
    const pax = this.#pax;
    for (const key of pax.keys())
      if (key.startsWith("GNU.sparse.")) throw new TarError("sparse files in tar archives are not supported");
    const nameBytes = pax.get("path") ?? this.#longName ?? raw.name;
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
  if (flag === "S") throw new TarError("sparse files in tar archives are not supported");
  const type = typeOf[flag];
  if (type === undefined) throw new TarError(`unhandled tar header type ${flag.charCodeAt(0)}`);
  // The oldest format has no directories but files with a slash at the end.
  return type === "file" && name.endsWith("/") ? "directory" : type;
}

function fileSize(size: number): number {
  if (size < 0) throw new TarError("invalid tar header: negative size");
  return size;
}

const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function text(bytes: Buffer): string {
  if (bytes.length > MAX_NAME) throw new TarError(`file name too long: ${bytes.length} bytes`);
  if (bytes.includes(0)) throw new TarError("invalid tar header: NUL in a name");
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
