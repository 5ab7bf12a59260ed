// What is needed beside the files of a tree to get the very bytes of the archive back that they were unpacked from: everything of it but
// their content. In numbers and bytes (formats/record-file.ts):
//
//   literal size bytes | file size path | content offset size | over

import type { ByteSource } from "#formats/deflate/bits.ts";
import { RecordError, type RecordReader, type RecordWriter } from "#formats/record-file.ts";
import type { TarEntry } from "#formats/tar-entry.ts";
import { TarReader } from "#formats/tar-reader.ts";
import { cleanPath } from "../diff/layer-plan.ts";

const steps = { literal: 0, file: 1, content: 2, over: 3 } as const;
/** Smaller files are in the record: it costs less than to open them. */
const SMALL = 64;

export class TarRecorder {
  readonly #record: RecordWriter;
  readonly #reader = new TarReader();
  /** The file whose content comes; undefined where its bytes are recorded. */
  #path: string | undefined;
  #named = false;
  /** In the file. */
  #offset = 0;

  constructor(record: RecordWriter) {
    this.#record = record;
  }

  /** The archive's next bytes, however many. Throws TarError. */
  push(chunk: Buffer): void {
    let done = 0;
    for (const event of this.#reader.push(chunk)) {
      if (event.kind === "entry") this.#enter(event.entry);
      else if (event.kind === "hole") this.#offset += event.length;
      else {
        const start = event.data.byteOffset - chunk.byteOffset;
        if (this.#path !== undefined) {
          this.#literal(chunk.subarray(done, start));
          this.#content(this.#path, event.data.length);
          done = start + event.data.length;
        }
        this.#offset += event.data.length;
      }
    }
    this.#literal(chunk.subarray(done));
  }

  finish(): void {
    this.#reader.finish();
    this.#record.number(steps.over);
    this.#record.flush();
  }

  #enter({ type, size, name }: TarEntry): void {
    const path = type === "file" && size > SMALL ? cleanPath(name) : undefined;
    const base = path?.slice(path.lastIndexOf("/") + 1) ?? "";
    this.#path = base.startsWith(".wh.") ? undefined : path;
    this.#named = false;
    this.#offset = 0;
  }

  #literal(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#record.number(steps.literal);
    this.#record.number(bytes.length);
    this.#record.bytes(bytes);
  }

  #content(path: string, size: number): void {
    if (!this.#named) {
      const bytes = Buffer.from(path);
      this.#record.number(steps.file);
      this.#record.number(bytes.length);
      this.#record.bytes(bytes);
      this.#named = true;
    }
    this.#record.number(steps.content);
    this.#record.number(this.#offset);
    this.#record.number(size);
  }
}

/** The content of one file of the tree. */
export interface FileContent extends Disposable {
  /** Puts up to so many bytes from the offset there; returns how many. */
  read(into: Uint8Array, offset: number): number;
}

/** The archive's bytes, from the record and the tree. */
export class TarRebuilder implements ByteSource, Disposable {
  readonly #record: RecordReader;
  readonly #open: (path: string) => FileContent;
  #file: FileContent | undefined;
  #literal = 0;
  #content = 0;
  #offset = 0;
  #over = false;

  constructor(record: RecordReader, open: (path: string) => FileContent) {
    this.#record = record;
    this.#open = open;
  }

  read(into: Uint8Array): number {
    while (this.#literal === 0 && this.#content === 0) {
      if (this.#over) return 0;
      this.#step();
    }
    if (this.#literal > 0) {
      const bytes = this.#record.bytes(Math.min(this.#literal, into.length));
      into.set(bytes);
      this.#literal -= bytes.length;
      return bytes.length;
    }
    const room = into.subarray(0, Math.min(this.#content, into.length));
    const count = this.#file?.read(room, this.#offset) ?? 0;
    if (count === 0) throw new RecordError("a file of the snapshot is shorter than its record");
    this.#offset += count;
    this.#content -= count;
    return count;
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }

  #step(): void {
    const step = this.#record.number();
    if (step === steps.over) this.#over = true;
    else if (step === steps.literal) this.#literal = this.#record.number();
    else if (step === steps.content) {
      this.#offset = this.#record.number();
      this.#content = this.#record.number();
    } else if (step === steps.file) {
      this[Symbol.dispose]();
      this.#file = this.#open(this.#record.bytes(this.#record.number()).toString());
    } else throw new RecordError("an unknown step in the record of an archive");
  }
}
