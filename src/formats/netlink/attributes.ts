// Netlink attributes: type and length in front of a value, padded to four bytes, nested at will (linux/netlink.h).

const HEADER = 4;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;

const aligned = (length: number): number => (length + 3) & ~3;

/** One attribute with its padding. The length does not count the padding. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(aligned(HEADER + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, HEADER + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, HEADER);
  return bytes;
}

export const nested = (type: number, ...inner: readonly Uint8Array[]): Uint8Array =>
  attribute(type | NESTED, Buffer.concat(inner));

/** A zero-terminated string. */
export const text = (type: number, value: string): Uint8Array =>
  attribute(type, Buffer.from(`${value}\0`, "utf8"));

/** In host byte order, as rtnetlink has them: little endian on every machine we run on. */
export const u32 = (type: number, value: number): Uint8Array => attribute(type, uint32(value));
export const u8 = (type: number, value: number): Uint8Array => attribute(type, Uint8Array.of(value));

export function u16(type: number, value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value, true);
  return attribute(type, bytes);
}

/** In network byte order, as nfnetlink has them. */
export const be16 = (type: number, value: number): Uint8Array =>
  attribute(type, Uint8Array.of(value >>> 8, value & 0xff));
export const be32 = (type: number, value: number): Uint8Array => attribute(type, uint32be(value));

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function uint32be(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, false);
  return bytes;
}

/** Values by type; the last one wins. Ends at a length that makes no sense instead of reading past the end. */
export function decodeAttributes(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<number, Uint8Array>();
  let offset = 0;
  while (offset + HEADER <= bytes.length) {
    const length = view.getUint16(offset, true);
    if (length < HEADER || offset + length > bytes.length) break;
    found.set(view.getUint16(offset + 2, true) & TYPE_MASK, bytes.subarray(offset + HEADER, offset + length));
    offset += aligned(length);
  }
  return found;
}

export function readText(value: Uint8Array): string {
  const end = value.indexOf(0);
  return Buffer.from(end < 0 ? value : value.subarray(0, end)).toString("utf8");
}

export const readUint32 = (value: Uint8Array): number =>
  value.length < 4 ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0, true);

export const readUint32be = (value: Uint8Array): number =>
  value.length < 4 ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0, false);
