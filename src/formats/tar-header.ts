// The 512-byte header block of tar: fields at fixed offsets, numbers in octal or GNU's base 256.
//
//   name 0 100 | mode 100 8 | uid 108 8 | gid 116 8 | size 124 12 | mtime 136 12 | checksum 148 8 | type 156 1 | link 157 100
//   magic 257 6 | version 263 2 | user 265 32 | group 297 32 | major 329 8 | minor 337 8 | prefix 345 155 (ustar only)

import { BLOCK, invalidHeader } from "./tar-entry.ts";

export interface RawHeader {
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  /** The type flag's character; "0" for the old format's NUL. */
  readonly type: string;
  readonly major: number;
  readonly minor: number;
}

const SPACE = 0x20;
const SLASH = Buffer.from("/");

export function isZeroBlock(block: Buffer): boolean {
  for (let index = 0; index < BLOCK; index += 8) if (block.readDoubleLE(index) !== 0) return false;
  return block[0] === 0 && block.every((byte) => byte === 0);
}

export function decodeHeader(block: Buffer): RawHeader {
  verifyChecksum(block);
  const magic = block.toString("latin1", 257, 265);
  const ustar = magic.startsWith("ustar\0");
  const known = ustar || magic.startsWith("ustar ");
  const name = field(block, 0, 100);
  const prefix = ustar ? field(block, 345, 155) : name.subarray(0, 0);
  const flag = block[156] ?? 0;
  return {
    name: prefix.length > 0 ? Buffer.concat([prefix, SLASH, name]) : name,
    linkName: field(block, 157, 100),
    mode: decodeNumber(block, 100, 8),
    uid: decodeNumber(block, 108, 8),
    gid: decodeNumber(block, 116, 8),
    size: decodeNumber(block, 124, 12),
    mtime: decodeNumber(block, 136, 12),
    type: flag === 0 ? "0" : String.fromCharCode(flag),
    major: known ? decodeNumber(block, 329, 8) : 0,
    minor: known ? decodeNumber(block, 337, 8) : 0,
  };
}

/** Bytes up to the first NUL. */
function field(block: Buffer, offset: number, length: number): Buffer {
  const bytes = block.subarray(offset, offset + length);
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function verifyChecksum(block: Buffer): void {
  let unsigned = 8 * SPACE;
  let signed = 8 * SPACE;
  for (let index = 0; index < BLOCK; index++) {
    if (index === 148) index = 156;
    const byte = block[index] ?? 0;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stated = octal(block, 148, 8);
  // Some old writers summed signed bytes.
  if (stated !== unsigned && stated !== signed) throw invalidHeader("wrong checksum");
}

/** Octal digits, or GNU's base 256. Throws TarError. */
export function decodeNumber(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  return (first & 0x80) === 0 ? octal(block, offset, length) : base256(block, offset, length);
}

/** Between spaces and NULs, of which there may be any number; none at all is 0. */
function octal(block: Buffer, offset: number, length: number): number {
  let start = offset;
  let end = offset + length;
  while (start < end && isBlank(block[start])) start++;
  while (end > start && isBlank(block[end - 1])) end--;
  let value = 0;
  for (let index = start; index < end && block[index] !== 0; index++) {
    const digit = (block[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) throw invalidHeader("not an octal number");
    value = value * 8 + digit;
  }
  return value;
}

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === 0;

/** Two's complement, big endian; the top bit is the marker, the next one the sign. */
function base256(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  let value = BigInt(first & 0x7f);
  for (let index = offset + 1; index < offset + length; index++)
    value = (value << 8n) | BigInt(block[index] ?? 0);
  const bits = BigInt(length * 8 - 1);
  if ((first & 0x40) !== 0) value -= 1n << bits;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidHeader("number out of range");
  return number;
}

const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

export const fitsHeader = {
  id: (value: number): boolean => value <= MAX_OCTAL_7,
  size: (value: number): boolean => value >= 0 && value <= MAX_OCTAL_11,
  name: (bytes: Uint8Array): boolean => bytes.length <= 100,
};

/** A ustar block; what does not fit is cut or 0 and must be said in a pax header before it. */
export function encodeHeader(fields: RawHeader): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.set(fields.name.subarray(0, 100), 0);
  const put = (value: number, offset: number, length: number): void => {
    const max = length === 8 ? MAX_OCTAL_7 : MAX_OCTAL_11;
    const text = (value >= 0 && value <= max ? value : 0).toString(8).padStart(length - 1, "0");
    block.write(text, offset, "latin1");
  };
  put(fields.mode, 100, 8);
  put(fields.uid, 108, 8);
  put(fields.gid, 116, 8);
  put(fields.size, 124, 12);
  put(fields.mtime, 136, 12);
  block.write(fields.type, 156, "latin1");
  block.set(fields.linkName.subarray(0, 100), 157);
  block.write("ustar\x0000", 257, "latin1");
  put(fields.major, 329, 8);
  put(fields.minor, 337, 8);
  block.fill(SPACE, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
