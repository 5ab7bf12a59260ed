// Records of a pax extended header: "LENGTH KEY=VALUE\n", LENGTH counting the whole record. Values are bytes.

import { invalidHeader, type TarError } from "./tar-entry.ts";

export type PaxRecords = ReadonlyMap<string, Buffer>;

const NEWLINE = 0x0a;
const EQUALS = 0x3d;
const SPACE = 0x20;

/** Offsets and lengths of a sparse file's data, "offset,length,…". */
export const SPARSE_MAP = "GNU.sparse.map";
const SPARSE_PAIR = ["GNU.sparse.offset", "GNU.sparse.numbytes"];

/** The oldest way to tell them is one record for each number: these become one. */
function sparseNumber(numbers: readonly string[], key: string, value: Buffer): string {
  const text = value.toString("latin1");
  if (key !== SPARSE_PAIR[numbers.length % 2] || text.includes(",")) throw malformed();
  return text;
}

/** Later records win, as POSIX says; an empty value takes the key back. */
export function parsePax(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  const sparse: string[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const { key, value, end } = readRecord(bytes, offset);
    if (SPARSE_PAIR.includes(key)) sparse.push(sparseNumber(sparse, key, value));
    else if (value.length === 0) records.delete(key);
    else records.set(key, value);
    offset = end;
  }
  if (sparse.length > 0) records.set(SPARSE_MAP, Buffer.from(sparse.join(",")));
  return records;
}

function readRecord(bytes: Buffer, offset: number) {
  const space = bytes.indexOf(SPACE, offset);
  const digits = space < 0 ? "" : bytes.toString("latin1", offset, space);
  if (!/^[0-9]{1,10}$/.test(digits)) throw malformed();
  const end = offset + Number(digits);
  if (end <= space + 1 || end > bytes.length || bytes[end - 1] !== NEWLINE) throw malformed();
  const equals = bytes.indexOf(EQUALS, space + 1);
  if (equals <= space + 1 || equals >= end) throw malformed();
  return { key: bytes.toString("utf8", space + 1, equals), value: bytes.subarray(equals + 1, end - 1), end };
}

export function encodePax(records: PaxRecords): Buffer {
  return Buffer.concat([...records].map(([key, value]) => encodeRecord(key, value)));
}

function encodeRecord(key: string, value: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = body.length + String(body.length).length;
  // The length's own digits can make it one digit longer.
  if (body.length + String(length).length !== length) length = body.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

/** A decimal number with a fraction: "1700000000.123456789", also negative. */
export function parsePaxTime(text: string): { readonly sec: number; readonly nsec: number } {
  const found = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text);
  if (found === null) throw malformed();
  const [, sign = "", whole = "0", fraction = ""] = found;
  const nsec = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign === "") return { sec: Number(whole), nsec };
  return nsec === 0 ? { sec: -Number(whole), nsec: 0 } : { sec: -Number(whole) - 1, nsec: 1e9 - nsec };
}

export function formatPaxTime({ sec, nsec }: { readonly sec: number; readonly nsec: number }): string {
  if (nsec === 0) return String(sec);
  const digits = (value: number): string => String(value).padStart(9, "0").replace(/0+$/, "");
  return sec >= 0 ? `${sec}.${digits(nsec)}` : `-${-sec - 1}.${digits(1e9 - nsec)}`;
}

export function parsePaxNumber(text: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw malformed();
  return value;
}

const malformed = (): TarError => invalidHeader("malformed pax record");
