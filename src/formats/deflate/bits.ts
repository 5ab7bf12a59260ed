// Bits of a deflate stream (RFC 1951, 3.1): the first is the lowest one of a byte.

/** Bytes that are read when they are wanted; synchronous, as for a thread of its own. */
export interface ByteSource {
  /** Puts bytes there and returns how many; 0 is the end. */
  read(into: Uint8Array): number;
}

/** The bytes are no deflate stream, or one that ends too early. */
export class DeflateError extends Error {
  override readonly name = "DeflateError";
}

const INPUT = 128 << 10;

export class BitReader {
  readonly #source: ByteSource;
  readonly #input = Buffer.allocUnsafe(INPUT);
  #at = 0;
  #end = 0;
  #ended = false;
  /** Bits that are not used yet, the next one lowest; at most 32. */
  #held = 0;
  #count = 0;
  /** What is taken goes here, too. */
  #copy: BitWriter | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Makes at least 25 bits ready, or all that there are, and returns them. */
  peek(): number {
    while (this.#count <= 24) {
      if (this.#at === this.#end && !this.#fill()) break;
      this.#held |= (this.#input[this.#at++] ?? 0) << this.#count;
      this.#count += 8;
    }
    return this.#held;
  }

  /** Of bits that `peek` made ready. Throws DeflateError if there are not so many. */
  drop(count: number): void {
    if (count > this.#count) throw new DeflateError("unexpected end of the compressed data");
    this.#held = count === 32 ? 0 : this.#held >>> count;
    this.#count -= count;
  }

  /** Up to 16 bits as a number. */
  take(count: number): number {
    const value = this.peek() & ((1 << count) - 1);
    this.drop(count);
    this.#copy?.put(value, count);
    return value;
  }

  /** Runs `read` and returns the bits that it took, and how many. */
  copying(read: () => void): { readonly bytes: Buffer; readonly count: number } {
    const copy = new BitWriter();
    this.#copy = copy;
    try {
      read();
    } finally {
      this.#copy = undefined;
    }
    const { count } = copy;
    copy.align();
    return { bytes: Buffer.concat(copy.flush()), count };
  }

  /** Leaves what is left of a byte; returns those bits. */
  align(): number {
    this.peek();
    return this.take(this.#count & 7);
  }

  /** Whole bytes, from a byte's boundary; returns how many there were. */
  bytes(into: Uint8Array): number {
    let done = 0;
    while (done < into.length && this.#count > 0) into[done++] = this.take(8);
    while (done < into.length && (this.#at < this.#end || this.#fill())) {
      const size = Math.min(into.length - done, this.#end - this.#at);
      into.set(this.#input.subarray(this.#at, this.#at + size), done);
      this.#at += size;
      done += size;
    }
    return done;
  }

  #fill(): boolean {
    if (this.#ended) return false;
    this.#at = 0;
    this.#end = this.#source.read(this.#input);
    this.#ended = this.#end === 0;
    return !this.#ended;
  }
}

const OUTPUT = 128 << 10;

export class BitWriter {
  #full: Buffer<ArrayBuffer>[] = [];
  #output = Buffer.allocUnsafe(OUTPUT);
  #at = 0;
  #held = 0;
  #pending = 0;
  /** Bits in all. */
  count = 0;

  /** The lowest `count` bits, up to 16. */
  put(value: number, count: number): void {
    this.#held |= value << this.#pending;
    this.#pending += count;
    this.count += count;
    while (this.#pending >= 8) {
      if (this.#at === OUTPUT) this.#turn();
      this.#output[this.#at++] = this.#held;
      this.#held >>>= 8;
      this.#pending -= 8;
    }
  }

  /** Zeros up to a byte's boundary. */
  align(): void {
    if (this.#pending > 0) this.put(0, 8 - this.#pending);
  }

  /** At a byte's boundary. */
  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.put(byte, 8);
  }

  /** Bytes that are complete. */
  get size(): number {
    return this.#full.length * OUTPUT + this.#at;
  }

  /** What is complete; it is forgotten here. */
  flush(): readonly Buffer<ArrayBuffer>[] {
    this.#turn();
    const full = this.#full;
    this.#full = [];
    return full;
  }

  #turn(): void {
    if (this.#at > 0) this.#full.push(this.#output.subarray(0, this.#at));
    this.#output = Buffer.allocUnsafe(OUTPUT);
    this.#at = 0;
  }
}
