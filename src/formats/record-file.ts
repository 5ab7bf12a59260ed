// Numbers and bytes in a file, one after the other, compressed in pieces that are read and written at once:
//
//   file   = piece*
//   piece  = length of its compressed bytes (u32be), those (zstd)
//   number = 7 bits in each byte, the lowest first, 0x80 where more follow

import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { ByteSource } from "./deflate/bits.ts";

const PIECE = 1 << 20;
const LEVEL = 9;

export class RecordWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #piece = Buffer.allocUnsafe(PIECE);
  #at = 0;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** A natural number. */
  number(value: number): void {
    if (PIECE - this.#at < 8) this.flush();
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#piece[this.#at++] = (rest % 0x80) | 0x80;
    this.#piece[this.#at++] = rest;
  }

  bytes(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      if (this.#at === PIECE) this.flush();
      const size = Math.min(PIECE - this.#at, bytes.length - from);
      this.#piece.set(bytes.subarray(from, from + size), this.#at);
      this.#at += size;
      from += size;
    }
  }

  flush(): void {
    if (this.#at === 0) return;
    const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
    const compressed = zstdCompressSync(this.#piece.subarray(0, this.#at), { params });
    const length = Buffer.alloc(4);
    length.writeUInt32BE(compressed.length);
    this.#write(length);
    this.#write(compressed);
    this.#at = 0;
  }
}

/** The file is not what a RecordWriter wrote. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

export class RecordReader {
  readonly #source: ByteSource;
  #piece = Buffer.alloc(0);
  #at = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#next();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      if (scale > 2 ** 49) throw new RecordError("a number of a record is too large");
    }
  }

  /** A view that is good until the next call, where it lies in one piece. */
  bytes(size: number): Buffer {
    if (size <= this.#piece.length - this.#at) {
      this.#at += size;
      return this.#piece.subarray(this.#at - size, this.#at);
    }
    const whole = Buffer.alloc(Math.min(size, PIECE * 64));
    if (whole.length < size) throw new RecordError("bytes of a record are too many");
    for (let done = 0; done < size; ) {
      if (this.#at === this.#piece.length) this.#turn();
      const copied = this.#piece.copy(whole, done, this.#at, this.#at + size - done);
      this.#at += copied;
      done += copied;
    }
    return whole;
  }

  #next(): number {
    if (this.#at === this.#piece.length) this.#turn();
    return this.#piece[this.#at++] ?? 0;
  }

  #turn(): void {
    const length = this.#read(4).readUInt32BE();
    if (length === 0 || length > PIECE * 2)
      throw new RecordError("a piece of a record has an impossible size");
    this.#piece = zstdDecompressSync(this.#read(length), { maxOutputLength: PIECE });
    this.#at = 0;
  }

  #read(size: number): Buffer {
    const bytes = Buffer.alloc(size);
    for (let done = 0; done < size; ) {
      const count = this.#source.read(bytes.subarray(done));
      if (count === 0) throw new RecordError("a record ends too early");
      done += count;
    }
    return bytes;
  }
}
