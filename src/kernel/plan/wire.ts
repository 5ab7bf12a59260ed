// The binary wire of native/PROTOCOL.md: little endian, every variable part with its length first.

import type { Field, FieldKind } from "./field-kinds.ts";
import type { Attributes, FileTimes } from "./ops.ts";

const NONE = 0xffff_ffff;

/** A buffer that grows; numbers are little endian. */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #size = 0;

  #room(bytes: number): number {
    const at = this.#size;
    this.#size += bytes;
    if (this.#size > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#size, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    return at;
  }

  get size(): number {
    return this.#size;
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#buffer.writeUInt16LE(value, at);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeUInt32LE(value >>> 0, at);
  }

  u64(value: bigint): void {
    const at = this.#room(8);
    this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
  }

  /** Length, UTF-8, NUL: C uses it where it lies. */
  str(value: string): void {
    if (value.includes("\0")) throw new TypeError("a string with a NUL byte cannot be given to the kernel");
    const length = Buffer.byteLength(value);
    this.u32(length);
    const at = this.#room(length + 1);
    this.#buffer.write(value, at);
    this.#buffer[at + length] = 0;
  }

  none(): void {
    this.u32(NONE);
  }

  setU32(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value, at);
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }
}

const wrong = (kind: FieldKind, value: unknown): TypeError =>
  new TypeError(`cannot encode ${typeof value} as ${kind}`);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isTimes = (value: unknown): value is FileTimes =>
  typeof value === "object" && value !== null && "sec" in value && "nsec" in value;
const isAttributes = (value: unknown): value is Attributes =>
  typeof value === "object" && value !== null && "xattrs" in value && "mtime" in value;

function encodeNumber(writer: WireWriter, kind: FieldKind, value: unknown): void {
  const number = value ?? (kind === "optSlot" ? NONE : 0);
  if (typeof number !== "number" && typeof number !== "bigint") throw wrong(kind, value);
  if (kind === "u64" || kind === "i64") writer.u64(BigInt(number));
  else writer.u32(Number(number));
}

function encodeList(writer: WireWriter, kind: FieldKind, value: unknown): void {
  const list = value ?? [];
  if (!isList(list)) throw wrong(kind, value);
  writer.u32(list.length);
  for (const item of list) {
    if (typeof item === "string" && kind === "strs") writer.str(item);
    else if (typeof item === "number" && kind === "numbers") writer.u32(item);
    else if (item instanceof Uint8Array && kind === "blobs") writer.bytes(item);
    else throw wrong(kind, item);
  }
}

function encodeTimes(writer: WireWriter, times: FileTimes): void {
  writer.u64(BigInt(Math.floor(times.sec)));
  writer.u32(times.nsec);
}

function encodeAttributes(writer: WireWriter, attributes: Attributes): void {
  writer.u32(attributes.mode);
  writer.u32(attributes.uid);
  writer.u32(attributes.gid);
  encodeTimes(writer, attributes.mtime);
  writer.u32(attributes.xattrs.length);
  for (const { name, value } of attributes.xattrs) {
    writer.str(name);
    writer.bytes(value);
  }
}

function encodeText(writer: WireWriter, kind: FieldKind, value: unknown): void {
  if (value === undefined && kind === "optStr") writer.none();
  else if (typeof value === "string") writer.str(value);
  else throw wrong(kind, value);
}

function encodeBytes(writer: WireWriter, kind: FieldKind, value: unknown): void {
  if (!(value instanceof Uint8Array)) throw wrong(kind, value);
  writer.bytes(value);
}

const encoders: Readonly<Record<FieldKind, (writer: WireWriter, kind: FieldKind, value: unknown) => void>> = {
  u32: encodeNumber,
  i32: encodeNumber,
  u64: encodeNumber,
  i64: encodeNumber,
  slot: encodeNumber,
  optSlot: encodeNumber,
  bool: (writer, _kind, value) => writer.u32(value === true ? 1 : 0),
  str: encodeText,
  optStr: encodeText,
  bytes: encodeBytes,
  strs: encodeList,
  numbers: encodeList,
  blobs: encodeList,
  times: (writer, kind, value) => {
    if (!isTimes(value)) throw wrong(kind, value);
    encodeTimes(writer, value);
  },
  attributes: (writer, kind, value) => {
    if (!isAttributes(value)) throw wrong(kind, value);
    encodeAttributes(writer, value);
  },
};

/** Writes the fields in the layout's order; absent optional fields have a wire value of their own. */
export function encodeFields(writer: WireWriter, fields: readonly Field[], values: object): void {
  for (const [name, kind] of fields) encoders[kind](writer, kind, Reflect.get(values, name));
}
