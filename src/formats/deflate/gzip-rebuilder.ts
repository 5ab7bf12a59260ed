// A gzip file from its record (gzip-record.ts) and its plain bytes.

import { RecordError, type RecordReader } from "../record-file.ts";
import type { ByteSource } from "./bits.ts";
import type { Token } from "./codes.ts";
import { type BlockType, blockTypes } from "./deflate-reader.ts";
import { DeflateWriter } from "./deflate-writer.ts";
import { steps, styleOf } from "./gzip-record.ts";
import { TokenPredictor } from "./token-predictor.ts";

const PIECE = 256 << 10;

/** The gzip file that the record was made of, from the plain bytes. Throws RecordError where it cannot be. */
export function* rebuildGzip(
  record: RecordReader,
  plain: ByteSource,
): Generator<Buffer<ArrayBuffer>, void, void> {
  const rebuilder = new Rebuilder(record, plain);
  while (rebuilder.step()) if (rebuilder.output.size >= PIECE) yield* rebuilder.output.flush();
  yield* rebuilder.output.flush();
}

class Rebuilder {
  readonly output = new DeflateWriter();
  readonly #record: RecordReader;
  readonly #plain: ByteSource;
  readonly #predictor: TokenPredictor;

  constructor(record: RecordReader, plain: ByteSource) {
    this.#record = record;
    this.#plain = plain;
    this.#predictor = new TokenPredictor(styleOf(record.number()));
  }

  /** False when it is over. */
  step(): boolean {
    const step = this.#record.number();
    switch (step) {
      case steps.raw:
        this.output.bytes(this.#record.bytes(this.#record.number()));
        return true;
      case steps.start:
        this.#predictor.reset();
        return true;
      case steps.know:
        this.#know(this.#record.number());
        return true;
      case steps.block:
        this.#block();
        return true;
      case steps.tokens:
        this.#tokens(this.#record.number());
        return true;
      case steps.stored:
        this.output.bytes(this.#predictor.skip(this.#record.number()));
        return true;
      case steps.end:
        this.output.endBlock(blockTypeOf(this.#record.number()));
        return true;
      case steps.stop:
        this.output.end();
        return true;
      case steps.over:
        return false;
      default:
        throw new RecordError("an unknown step in a record");
    }
  }

  #know(size: number): void {
    const bytes = Buffer.alloc(Math.min(size, MOST_KNOWN));
    for (let done = 0; done < size; ) {
      const count = this.#plain.read(bytes.subarray(done));
      if (count === 0) throw new RecordError("the plain bytes end before their record");
      done += count;
    }
    this.#predictor.append(bytes);
  }

  #block(): void {
    const flags = this.#record.number();
    const type = blockTypeOf(flags >> 1);
    const size = type === blockTypes.stored ? this.#record.number() : 0;
    const count = type === blockTypes.dynamic ? this.#record.number() : 0;
    const bytes = Buffer.from(this.#record.bytes(Math.ceil(count / 8)));
    this.output.block({ final: (flags & 1) === 1, type, codes: { bytes, count }, size });
  }

  #tokens(count: number): void {
    const predictor = this.#predictor;
    for (let done = 0; ; done++) {
      const end = done + this.#record.number();
      if (end > count) throw new RecordError("too many tokens in a record");
      for (; done < end; done++) {
        const token = predictor.guess();
        predictor.take(token, true);
        this.output.token(token);
      }
      if (done === count) return;
      const token = this.#missed();
      predictor.take(token, false);
      this.output.token(token);
    }
  }

  #missed(): Token {
    this.#predictor.guess(); // as when the record was made
    const length = this.#record.number();
    return length === 0 ? this.#predictor.byte : (this.#record.number() << 9) | (length + 2);
  }
}

/** As much as a part of the reader has. */
const MOST_KNOWN = 1 << 19;

function blockTypeOf(value: number): BlockType {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new RecordError("an unknown type of block in a record");
}
