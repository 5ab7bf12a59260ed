// Values as the bytes of a D-Bus message, little endian.

import { claimed } from "#base/decode.ts";
import { alignmentOf, type DbusValue, type DbusVariant, splitSignature } from "./signature.ts";

/** `offset`: where the bytes will stand, for their alignment. */
export function marshal(signature: string, values: readonly DbusValue[], offset = 0): Uint8Array {
  const writer = new DbusWriter(offset);
  writer.struct(splitSignature(signature), values);
  return writer.bytes();
}

const text = new TextEncoder();

class DbusWriter {
  readonly #offset: number;
  readonly #bytes: number[] = [];

  constructor(offset: number) {
    this.#offset = offset;
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  struct(types: readonly string[], values: readonly DbusValue[]): void {
    if (types.length !== values.length)
      throw new TypeError(`${values.length} D-Bus values for ${types.length} types`);
    for (const [index, type] of types.entries()) this.#value(type, values[index] ?? "");
  }

  #value(type: string, value: DbusValue): void {
    this.#align(alignmentOf(type));
    const letter = type.charAt(0);
    if (letter === "a") this.#array(type.slice(1), value);
    else if (letter === "(" || letter === "{")
      this.struct(splitSignature(type.slice(1, -1)), claimed<readonly DbusValue[]>(value));
    else if (letter === "v") this.#variant(claimed<DbusVariant>(value));
    else if (letter === "s" || letter === "o") this.#text(String(value), 4);
    else if (letter === "g") this.#text(String(value), 1);
    else if (letter === "d") this.#double(Number(value));
    else this.#number(alignmentOf(letter), BigInt(claimed<number | bigint | boolean>(value)));
  }

  #align(alignment: number): void {
    while ((this.#offset + this.#bytes.length) % alignment !== 0) this.#bytes.push(0);
  }

  #number(size: number, value: bigint): void {
    const unsigned = BigInt.asUintN(size * 8, value);
    for (let index = 0; index < size; index++)
      this.#bytes.push(Number((unsigned >> BigInt(index * 8)) & 0xffn));
  }

  #double(value: number): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value, true);
    this.#bytes.push(...new Uint8Array(view.buffer));
  }

  #text(value: string, lengthSize: number): void {
    const encoded = text.encode(value);
    this.#number(lengthSize, BigInt(encoded.length));
    this.#bytes.push(...encoded, 0);
  }

  #variant({ signature, value }: DbusVariant): void {
    this.#text(signature, 1);
    this.#value(signature, value);
  }

  /** The length counts from the first element on, without the padding before it. */
  #array(type: string, value: DbusValue): void {
    const at = this.#bytes.length;
    this.#number(4, 0n);
    this.#align(alignmentOf(type));
    const start = this.#bytes.length;
    for (const element of claimed<Iterable<DbusValue>>(value)) this.#value(type, element);
    const length = this.#bytes.length - start;
    for (let index = 0; index < 4; index++) this.#bytes[at + index] = (length >>> (index * 8)) & 0xff;
  }
}
