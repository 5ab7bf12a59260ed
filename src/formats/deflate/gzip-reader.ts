// A gzip file taken apart (RFC 1952): members, one after the other, each a header, a deflate stream and a trailer.

import { BitReader, type ByteSource, DeflateError } from "./bits.ts";
import { type DeflatePart, DeflateReader } from "./deflate-reader.ts";

export type GzipPart =
  /** Bytes of the container: a header, a trailer, what follows the last member. */
  | { readonly kind: "raw"; readonly bytes: Buffer }
  /** A member's deflate stream begins. */
  | { readonly kind: "start" }
  /** It has ended; its last byte is full. */
  | { readonly kind: "stop" }
  | DeflatePart;

const HEADER = 10;
const TRAILER = 8;
const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;
/** Of one field of a header, or of what follows the last member. */
const MAX_FIELD = 64 << 10;

/** Throws DeflateError for what is no gzip file, or one of a form that nobody writes. */
export function* readGzip(source: ByteSource): Generator<GzipPart, void, void> {
  const bits = new BitReader(source);
  for (let first = true; ; first = false) {
    const header = readUpTo(bits, HEADER);
    if (header[0] !== 0x1f || header[1] !== 0x8b || header.length < HEADER) {
      if (first) throw new DeflateError("not a gzip file");
      yield { kind: "raw", bytes: Buffer.concat([header, readTail(bits)]) };
      return;
    }
    yield { kind: "raw", bytes: Buffer.concat([header, ...readFields(bits, header[3] ?? 0)]) };
    yield { kind: "start" };
    yield* new DeflateReader(bits).parts();
    if (bits.align() !== 0) throw new DeflateError("the space behind the last block is not empty");
    yield { kind: "stop" };
    const trailer = readUpTo(bits, TRAILER);
    if (trailer.length < TRAILER) throw new DeflateError("unexpected end of a gzip trailer");
    yield { kind: "raw", bytes: trailer };
  }
}

function* readFields(bits: BitReader, flags: number): Generator<Buffer, void, void> {
  if ((flags & FEXTRA) !== 0) {
    const size = readUpTo(bits, 2);
    yield size;
    yield readUpTo(bits, size.length === 2 ? size.readUInt16LE() : 0);
  }
  if ((flags & FNAME) !== 0) yield readText(bits);
  if ((flags & FCOMMENT) !== 0) yield readText(bits);
  if ((flags & FHCRC) !== 0) yield readUpTo(bits, 2);
}

/** Up to a NUL. */
function readText(bits: BitReader): Buffer {
  const text: number[] = [];
  for (let byte = readUpTo(bits, 1)[0]; byte !== undefined; byte = readUpTo(bits, 1)[0]) {
    text.push(byte);
    if (byte === 0) return Buffer.from(text);
    if (text.length > MAX_FIELD) break;
  }
  throw new DeflateError("a text in a gzip header has no end");
}

function readTail(bits: BitReader): Buffer {
  const tail = readUpTo(bits, MAX_FIELD);
  if (tail.length === MAX_FIELD) throw new DeflateError("too much follows the last gzip member");
  return tail;
}

function readUpTo(bits: BitReader, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  return bytes.subarray(0, bits.bytes(bytes));
}
