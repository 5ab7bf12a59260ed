// MessagePack, as much of it as fluentd's forward protocol needs.

/** Values as they are encoded: text and numbers by their size; a map keeps its order. */
export type Packable =
  | string
  | number
  | readonly Packable[]
  | ReadonlyMap<string, Packable>
  | { readonly extension: number; readonly data: Uint8Array };

export function encodeMsgpack(value: Packable): Buffer {
  const parts: Uint8Array[] = [];
  put(parts, value);
  return Buffer.concat(parts);
}

function put(parts: Uint8Array[], value: Packable): void {
  if (typeof value === "string") {
    const text = Buffer.from(value);
    parts.push(stringHead(text.length), text);
  } else if (typeof value === "number") parts.push(encodeInteger(value));
  else if (isList(value)) {
    parts.push(head(value.length, { fix: 0x90, fixed: 15, wide: 0xdc }));
    for (const item of value) put(parts, item);
  } else if (isMap(value)) {
    parts.push(head(value.size, { fix: 0x80, fixed: 15, wide: 0xde }));
    for (const [key, item] of value) {
      put(parts, key);
      put(parts, item);
    }
  } else parts.push(Buffer.from([0xd7, value.extension]), value.data); // fixext 8
}

const isList = (value: Packable): value is readonly Packable[] => Array.isArray(value);
const isMap = (value: Packable): value is ReadonlyMap<string, Packable> => value instanceof Map;

function stringHead(length: number): Buffer {
  if (length < 32) return Buffer.from([0xa0 | length]);
  if (length < 0x100) return Buffer.from([0xd9, length]);
  return length < 0x10000 ? sized(0xda, length, 2) : sized(0xdb, length, 4);
}

/** Of a list or a map. */
function head(
  length: number,
  kind: { readonly fix: number; readonly fixed: number; readonly wide: number },
): Buffer {
  if (length <= kind.fixed) return Buffer.from([kind.fix | length]);
  return length < 0x10000 ? sized(kind.wide, length, 2) : sized(kind.wide + 1, length, 4);
}

/** Signed, in as few bytes as it takes, as Go's msgp does. */
function encodeInteger(value: number): Buffer {
  if (value >= 0 && value < 128) return Buffer.from([value]);
  if (value >= -32 && value < 0) return Buffer.from([value & 0xff]);
  if (value >= -0x80 && value < 0x80) return sized(0xd0, value & 0xff, 1);
  if (value >= -0x8000 && value < 0x8000) return sized(0xd1, value & 0xffff, 2);
  if (value >= -0x80000000 && value < 0x80000000) return sized(0xd2, value >>> 0, 4);
  const wide = Buffer.from([0xd3, 0, 0, 0, 0, 0, 0, 0, 0]);
  wide.writeBigInt64BE(BigInt(value), 1);
  return wide;
}

function sized(type: number, value: number, bytes: 1 | 2 | 4): Buffer {
  const encoded = Buffer.alloc(1 + bytes);
  encoded[0] = type;
  encoded.writeUIntBE(value, 1, bytes);
  return encoded;
}

/** A map of texts at the beginning of `data`; undefined if its end is still to come, an error if it is something else. */
export function decodeTextMap(
  data: Buffer,
): { readonly map: ReadonlyMap<string, string>; readonly length: number } | undefined {
  const type = data[0];
  if (type === undefined) return undefined;
  if ((type & 0xf0) !== 0x80) throw new Error(`not a small msgpack map: 0x${type.toString(16)}`);
  const map = new Map<string, string>();
  let at = 1;
  for (let left = type & 0x0f; left > 0; left--) {
    const key = decodeText(data, at);
    const value = key === undefined ? undefined : decodeText(data, key.end);
    if (key === undefined || value === undefined) return undefined;
    map.set(key.text, value.text);
    at = value.end;
  }
  return { map, length: at };
}

function decodeText(data: Buffer, at: number): { readonly text: string; readonly end: number } | undefined {
  const type = data[at];
  if (type === undefined) return undefined;
  const wide = [0xd9, 0xda, 0xdb].indexOf(type);
  if (wide < 0 && (type & 0xe0) !== 0xa0) throw new Error(`not a msgpack text: 0x${type.toString(16)}`);
  const sizeBytes = wide < 0 ? 0 : 2 ** wide;
  if (data.length < at + 1 + sizeBytes) return undefined;
  const start = at + 1 + sizeBytes;
  const end = start + (wide < 0 ? type & 0x1f : data.readUIntBE(at + 1, sizeBytes));
  return data.length < end ? undefined : { text: data.toString("utf8", start, end), end };
}
