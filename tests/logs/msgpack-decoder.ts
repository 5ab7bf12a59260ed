// Reads any MessagePack, apart from the engine's own encoder: maps become Map, extensions { extension, data }.

interface Read {
  readonly value: unknown;
  readonly end: number;
}

class Unfinished extends Error {}

/** Values that are whole, and how many bytes they took. */
export function decodeAll(data: Buffer): { readonly values: readonly unknown[]; readonly used: number } {
  const values: unknown[] = [];
  let used = 0;
  try {
    while (used < data.length) {
      const { value, end } = decode(data, used);
      values.push(value);
      used = end;
    }
  } catch (error) {
    if (!(error instanceof Unfinished)) throw error;
  }
  return { values, used };
}

function slice(data: Buffer, from: number, length: number): Buffer {
  if (from + length > data.length) throw new Unfinished();
  return data.subarray(from, from + length);
}

const size = (data: Buffer, at: number, bytes: number): number => slice(data, at, bytes).readUIntBE(0, bytes);

function decode(data: Buffer, at: number): Read {
  const type = size(data, at, 1);
  if (type < 0x80) return { value: type, end: at + 1 };
  if (type < 0x90) return decodeMap(data, at + 1, type & 15);
  if (type < 0xa0) return decodeList(data, at + 1, type & 15);
  if (type < 0xc0) return decodeText(data, at + 1, type & 31);
  if (type >= 0xe0) return { value: type - 256, end: at + 1 };
  const wide = [0xd9, 0xda, 0xdb].indexOf(type);
  if (wide >= 0) return decodeText(data, at + 1 + 2 ** wide, size(data, at + 1, 2 ** wide));
  if (type === 0xdc) return decodeList(data, at + 3, size(data, at + 1, 2));
  if (type === 0xde) return decodeMap(data, at + 3, size(data, at + 1, 2));
  if (type === 0xd2) return { value: slice(data, at + 1, 4).readInt32BE(), end: at + 5 };
  if (type === 0xce) return { value: slice(data, at + 1, 4).readUInt32BE(), end: at + 5 };
  if (type === 0xd7)
    return { value: { extension: size(data, at + 1, 1), data: slice(data, at + 2, 8) }, end: at + 10 };
  throw new Error(`msgpack type 0x${type.toString(16)}`);
}

const decodeText = (data: Buffer, at: number, length: number): Read => ({
  value: slice(data, at, length).toString(),
  end: at + length,
});

function decodeList(data: Buffer, from: number, length: number): Read {
  const value: unknown[] = [];
  let at = from;
  for (let left = length; left > 0; left--) {
    const item = decode(data, at);
    value.push(item.value);
    at = item.end;
  }
  return { value, end: at };
}

function decodeMap(data: Buffer, from: number, length: number): Read {
  const { value, end } = decodeList(data, from, length * 2);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const entries = Array.from({ length }, (_, index) => [items[index * 2], items[index * 2 + 1]] as const);
  return { value: new Map(entries), end };
}
