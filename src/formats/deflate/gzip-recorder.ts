// Writes the record of a gzip file (gzip-record.ts) while its plain bytes are read.

import { RecordWriter } from "../record-file.ts";
import { type ByteSource, DeflateError } from "./bits.ts";
import { type BlockHead, blockTypes } from "./deflate-reader.ts";
import { type GzipPart, readGzip } from "./gzip-reader.ts";
import { STYLES, steps, styleOf } from "./gzip-record.ts";
import { LOOKAHEAD, type Style, TokenPredictor } from "./token-predictor.ts";

/** Plain bytes that a style is chosen by. */
const SAMPLE = 384 << 10;
/** Parts of a file that are held at a time: more are blocks of next to no bytes, one behind the other, which no compressor makes. */
const MOST_PARTS = 1 << 15;

/** Writes the record of a gzip file; yields what is in it. Throws DeflateError. */
export function* recordGzip(source: ByteSource, record: RecordWriter): Generator<Buffer, void, void> {
  const recorder = new Recorder(record);
  for (const part of readGzip(source)) {
    recorder.push(part);
    if (part.kind === "tokens" || part.kind === "stored") yield part.plain;
  }
  recorder.finish();
}

class Recorder {
  readonly #record: RecordWriter;
  /** What the style is chosen by. */
  #sample: GzipPart[] = [];
  #sampled = 0;
  #style: StyleRecorder | undefined;

  constructor(record: RecordWriter) {
    this.#record = record;
  }

  push(part: GzipPart): void {
    const own = kept(part);
    if (this.#style !== undefined) {
      this.#style.push(own);
      return;
    }
    this.#sample.push(own);
    refuseMany(this.#sample);
    if ("plain" in own) this.#sampled += own.plain.length;
    if (this.#sampled >= SAMPLE) this.#choose();
  }

  finish(): void {
    if (this.#style === undefined) this.#choose();
    this.#record.number(steps.over);
    this.#record.flush();
  }

  /** That with the smallest record. */
  #choose(): void {
    const sizes = STYLES.map((style) => {
      let size = 0;
      const trial = new RecordWriter((bytes) => {
        size += bytes.length;
      });
      recordAll(new StyleRecorder(style, trial), this.#sample);
      trial.flush();
      return size;
    });
    const best = sizes.indexOf(Math.min(...sizes));
    this.#record.number(best);
    this.#style = new StyleRecorder(styleOf(best), this.#record);
    recordAll(this.#style, this.#sample);
    this.#sample = [];
  }
}

function recordAll(recorder: StyleRecorder, parts: readonly GzipPart[]): void {
  for (const part of parts) recorder.push(part);
}

function refuseMany(parts: readonly GzipPart[]): void {
  if (parts.length > MOST_PARTS) throw new DeflateError("too many small blocks");
}

/** The reader overwrites what it gave. */
function kept(part: GzipPart): GzipPart {
  if (part.kind === "tokens") return { ...part, tokens: part.tokens.slice(), plain: Buffer.from(part.plain) };
  return part.kind === "stored" ? { ...part, plain: Buffer.from(part.plain) } : part;
}

class StyleRecorder {
  readonly #record: RecordWriter;
  readonly #predictor: TokenPredictor;
  /** They wait until enough is known of what comes after them. */
  readonly #waiting: GzipPart[] = [];

  constructor(style: Style, record: RecordWriter) {
    this.#record = record;
    this.#predictor = new TokenPredictor(style);
  }

  push(part: GzipPart): void {
    this.#waiting.push(part);
    refuseMany(this.#waiting);
    if ("plain" in part && part.plain.length > 0) {
      this.#numbers(steps.know, part.plain.length);
      this.#predictor.append(part.plain);
    }
    const ended = part.kind === "stop";
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const needed = "plain" in first ? first.plain.length + LOOKAHEAD : 0;
      if (!ended && this.#predictor.ahead < needed) return;
      this.#waiting.shift();
      this.#write(first);
    }
  }

  #numbers(...numbers: readonly number[]): void {
    for (const number of numbers) this.#record.number(number);
  }

  #write(part: GzipPart): void {
    switch (part.kind) {
      case "raw":
        this.#numbers(steps.raw, part.bytes.length);
        this.#record.bytes(part.bytes);
        break;
      case "start":
        this.#predictor.reset();
        this.#numbers(steps.start);
        break;
      case "block":
        this.#block(part.head);
        break;
      case "tokens":
        this.#tokens(part.tokens);
        break;
      case "stored":
        this.#predictor.skip(part.plain.length);
        this.#numbers(steps.stored, part.plain.length);
        break;
      case "end":
        this.#numbers(steps.end, part.type);
        break;
      case "stop":
        this.#numbers(steps.stop);
        break;
      default:
        part satisfies never;
    }
  }

  #block({ final, type, codes, size }: BlockHead): void {
    this.#numbers(steps.block, (final ? 1 : 0) + 2 * type);
    if (type === blockTypes.stored) this.#numbers(size);
    if (type !== blockTypes.dynamic) return;
    this.#numbers(codes.count);
    this.#record.bytes(codes.bytes);
  }

  #tokens(tokens: Int32Array): void {
    this.#numbers(steps.tokens, tokens.length);
    const predictor = this.#predictor;
    let gap = 0;
    for (const token of tokens) {
      const right = predictor.guess() === token;
      predictor.take(token, right);
      if (right) {
        gap++;
        continue;
      }
      this.#numbers(gap);
      if (token < 256) this.#numbers(0);
      else this.#numbers((token & 511) - 2, token >> 9);
      gap = 0;
    }
    this.#numbers(gap);
  }
}
