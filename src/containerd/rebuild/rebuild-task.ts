// The thread's side: makes the record of a layer's blob and proves it, and gets the blob back from record and snapshot.
//
//   record:   blob -> gzip reader -> record of tokens          rebuild:  record of the archive + files -> archive -> gzip writer -> blob
//                         -> tar reader -> record of the archive                                  record of tokens -----^
//   then the same as for a rebuild, until the digest has turned out right

import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";
import { type ByteSource, DeflateError } from "#formats/deflate/bits.ts";
import { rebuildGzip } from "#formats/deflate/gzip-rebuilder.ts";
import { recordGzip } from "#formats/deflate/gzip-recorder.ts";
import { RecordError, RecordReader, RecordWriter } from "#formats/record-file.ts";
import { SNIFF_LENGTH, sniffCompression } from "#formats/tar-compression.ts";
import { TarError } from "#formats/tar-entry.ts";
import { close, openFlags, openPath, owned, statOf, tryOpenWithin } from "#kernel/trees/calls.ts";
import { rawName } from "#kernel/trees/ffi-calls.ts";
import { isFile } from "#kernel/trees/record.ts";
import { type FileContent, TarRebuilder, TarRecorder } from "./tar-record.ts";

export interface RebuildRequest {
  /** A directory with the two files of the record. */
  readonly record: string;
  readonly digest: string;
}

export interface RecordRequest extends RebuildRequest {
  readonly blob: string;
  /** Bytes after which a record is not worth having. */
  readonly maxSize: number;
}

/** The blob cannot be rebuilt; the message tells why. */
const impossible = (why: string): RecordError => new RecordError(why);

/** O_RDONLY, O_NONBLOCK, O_NOCTTY */
const READ = 0o4000 | 0o400;
const PIECE = 256 << 10;
/** Microseconds of a processor, in all and for a byte: a tenth of the usual speed. */
const EFFORT = { least: 60_000_000, each: 2 };

/** Rejects `unsupported` if the blob cannot be rebuilt. `root`: the layer's snapshot, with all below it. */
export async function recordBlob(root: number, request: RecordRequest): Promise<void> {
  try {
    await record(root, request);
  } catch (error) {
    const hopeless = [RecordError, DeflateError, TarError].some((kind) => error instanceof kind);
    throw hopeless && error instanceof Error ? new EngineError("unsupported", error.message) : error;
  }
}

async function record(root: number, request: RecordRequest): Promise<void> {
  using blob = openFile(request.blob);
  using archive = new RecordFile(request, "archive");
  using tokens = new RecordFile(request, "tokens");
  const recorder = new TarRecorder(archive.writer);
  const effort = new Effort();
  for (const plain of plainBytes(blob.source, tokens.writer)) {
    recorder.push(plain);
    effort.check(plain.length);
    if (archive.size + tokens.size > request.maxSize) throw impossible("its record would be too large");
    await setImmediate();
  }
  recorder.finish();
  archive.sync();
  tokens.sync();
  for (const _chunk of rebuildBlob(root, request)) {
    effort.check(0);
    await setImmediate();
  }
}

/** An image may be made to take for ever. */
class Effort {
  readonly #before = process.threadCpuUsage();
  #bytes = 0;

  /** `bytes`: of the layer, that have come since the last time. */
  check(bytes: number): void {
    this.#bytes += bytes;
    const { user, system } = process.threadCpuUsage(this.#before);
    if (user + system > EFFORT.least + this.#bytes * EFFORT.each)
      throw impossible("its record takes too long");
  }
}

function* plainBytes(blob: ByteSource, tokens: RecordWriter): Generator<Buffer, void, void> {
  const start = Buffer.alloc(SNIFF_LENGTH);
  const whole = startingWith(start.subarray(0, fill(blob, start)), blob);
  const compression = sniffCompression(start);
  if (compression !== "none" && compression !== "gzip")
    throw impossible(`it is compressed with ${compression}`);
  tokens.number(compression === "gzip" ? 1 : 0);
  if (compression === "gzip") return yield* recordGzip(whole, tokens);
  tokens.flush();
  const piece = Buffer.alloc(PIECE);
  for (let size = whole.read(piece); size > 0; size = whole.read(piece)) yield piece.subarray(0, size);
}

/** The blob's bytes; the last of them only when the digest is right. Throws RecordError. Each chunk has memory of its own. */
export function* rebuildBlob(
  root: number,
  { record, digest }: RebuildRequest,
): Generator<Buffer<ArrayBuffer>, void, void> {
  using archive = openFile(join(record, "archive"));
  using tokens = openFile(join(record, "tokens"));
  using tar = new TarRebuilder(new RecordReader(archive.source), (path) => openContent(root, path));
  const stream = new RecordReader(tokens.source);
  const hash = createHash("sha256");
  let last: Buffer<ArrayBuffer> | undefined;
  for (const chunk of stream.number() === 1 ? rebuildGzip(stream, tar) : pieces(tar)) {
    if (last !== undefined) yield last;
    hash.update(chunk);
    last = chunk;
  }
  const found = `sha256:${hash.digest("hex")}`;
  if (found !== digest) throw impossible(`what was rebuilt has the digest ${found}`);
  if (last !== undefined) yield last;
}

function* pieces(source: ByteSource): Generator<Buffer<ArrayBuffer>, void, void> {
  for (;;) {
    const piece = Buffer.allocUnsafe(PIECE);
    const size = fill(source, piece);
    if (size > 0) yield piece.subarray(0, size);
    if (size < PIECE) return;
  }
}

function fill(source: ByteSource, into: Buffer): number {
  let done = 0;
  while (done < into.length) {
    const size = source.read(into.subarray(done));
    if (size === 0) break;
    done += size;
  }
  return done;
}

function startingWith(start: Buffer, rest: ByteSource): ByteSource {
  let left = start;
  return {
    read: (into) => {
      if (left.length === 0) return rest.read(into);
      const size = left.copy(into);
      left = left.subarray(size);
      return size;
    },
  };
}

function openFile(path: string): Disposable & { readonly source: ByteSource } {
  const fd = openSync(path, "r");
  return { source: { read: (into) => readSync(fd, into) }, [Symbol.dispose]: () => closeSync(fd) };
}

/** One file of a record that is written. */
class RecordFile implements Disposable {
  readonly writer: RecordWriter;
  size = 0;
  readonly #fd: number;

  constructor({ record }: RebuildRequest, name: string) {
    this.#fd = openSync(join(record, name), "wx", 0o600);
    this.writer = new RecordWriter((bytes) => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
      this.size += bytes.length;
    });
  }

  /** It is on the disk when this returns. */
  sync(): void {
    fsyncSync(this.#fd);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** What is a file in the snapshot, resolved as when it was unpacked. */
function openContent(root: number, path: string): FileContent {
  const opened = tryOpenWithin(root, rawName(path), openFlags.path | openFlags.noFollow);
  if (opened < 0) throw impossible(`${path} is not in the snapshot`);
  using found = owned(opened);
  if (!isFile(statOf(found.fd))) throw impossible(`${path} is no file in the snapshot`);
  const fd = openPath(`/proc/self/fd/${found.fd}`, READ);
  return {
    read: (into, offset) => readSync(fd, into, 0, into.length, offset),
    [Symbol.dispose]: () => close(fd),
  };
}
