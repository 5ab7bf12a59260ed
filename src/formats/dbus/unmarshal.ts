// Values from the bytes of a D-Bus message.

import { invalid } from "#base/errors.ts";
import { alignmentOf, type DbusValue, splitSignature } from "./signature.ts";

export interface Encoded {
  /** The whole message: alignment counts from its beginning. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly littleEndian: boolean;
}

export interface Unmarshalled {
  readonly values: readonly DbusValue[];
  readonly end: number;
}

/** Throws `invalid` for bytes that end too early. */
export function unmarshal(signature: string, encoded: Encoded): Unmarshalled {
  const reader = new DbusReader(encoded);
  return { values: splitSignature(signature).map((type) => reader.value(type)), end: reader.offset };
}

const text = new TextDecoder();

class DbusReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #little: boolean;
  offset: number;

  constructor({ bytes, offset, littleEndian }: Encoded) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = littleEndian;
    this.offset = offset;
  }

  value(type: string): DbusValue {
    const alignment = alignmentOf(type);
    this.offset = Math.ceil(this.offset / alignment) * alignment;
    switch (type.charAt(0)) {
      case "a":
        return this.#array(type.slice(1));
      case "(":
      case "{":
        return splitSignature(type.slice(1, -1)).map((inner) => this.value(inner));
      case "v": {
        const signature = this.#text(this.#uint(1));
        return { signature, value: this.value(signature) };
      }
      case "s":
      case "o":
        return this.#text(this.#uint(4));
      case "g":
        return this.#text(this.#uint(1));
      case "b":
        return this.#uint(4) !== 0;
      default:
        return this.#number(type);
    }
  }

  #take(size: number): number {
    const start = this.offset;
    this.offset += size;
    if (this.offset > this.#bytes.length) throw invalid("D-Bus message ends too early");
    return start;
  }

  #uint(size: 1 | 4): number {
    const start = this.#take(size);
    return size === 1 ? this.#view.getUint8(start) : this.#view.getUint32(start, this.#little);
  }

  #number(type: string): number | bigint {
    const start = this.#take(alignmentOf(type));
    switch (type) {
      case "y":
        return this.#view.getUint8(start);
      case "n":
        return this.#view.getInt16(start, this.#little);
      case "q":
        return this.#view.getUint16(start, this.#little);
      case "i":
        return this.#view.getInt32(start, this.#little);
      case "u":
        return this.#view.getUint32(start, this.#little);
      case "x":
        return this.#view.getBigInt64(start, this.#little);
      case "t":
        return this.#view.getBigUint64(start, this.#little);
      default:
        return this.#view.getFloat64(start, this.#little);
    }
  }

  #text(length: number): string {
    const start = this.#take(length + 1);
    return text.decode(this.#bytes.subarray(start, start + length));
  }

  #array(type: string): DbusValue {
    const length = this.#uint(4);
    const alignment = alignmentOf(type);
    this.offset = Math.ceil(this.offset / alignment) * alignment;
    const start = this.#take(length);
    if (type === "y") return this.#bytes.slice(start, start + length);
    this.offset = start;
    const values: DbusValue[] = [];
    while (this.offset < start + length) values.push(this.value(type));
    return values;
  }
}
