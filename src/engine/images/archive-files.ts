// The files of an image archive (docker save, OCI layout): documents kept in memory, all else stored as content. No path of the
// archive is used on disk.

import { randomUUID } from "node:crypto";
import { invalid } from "#base/errors.ts";
import { BatchedWriter } from "#containerd/content/batched-writer.ts";
import type { ContentStore, ContentWriter } from "#containerd/content/content.ts";
import { decompressed } from "#containerd/diff/decompress.ts";
import { Inflation, type InflationLimits } from "#containerd/diff/inflation.ts";
import { cleanPath } from "#containerd/diff/layer-plan.ts";
import type { Scope } from "#containerd/scope.ts";
import { type Compression, SNIFF_LENGTH, sniffCompression } from "#formats/tar-compression.ts";
import { type TarEntry, TarError } from "#formats/tar-entry.ts";
import { type TarEvent, TarReader } from "#formats/tar-reader.ts";
import { commitBlob, storeLayer } from "./create-image.ts";
import type { ImageDeps } from "./image-deps.ts";

export interface ArchiveBlob {
  readonly digest: string;
  readonly size: number;
  readonly compression: Compression;
}

export interface ArchiveFiles {
  /** manifest.json, index.json. */
  readonly documents: ReadonlyMap<string, Buffer>;
  readonly blobs: ReadonlyMap<string, ArchiveBlob>;
}

const DOCUMENTS = new Set(["manifest.json", "index.json"]);
const MAX_DOCUMENT = 4 << 20;
const MAX_FILES = 20_000;

export async function readArchive(
  { content, inflation }: Pick<ImageDeps, "content" | "inflation">,
  scope: Scope,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<ArchiveFiles> {
  await using sink = new ArchiveSink(content, scope);
  const reader = new TarReader();
  const limits = new Inflation(inflation());
  let read = 0;
  let plain = 0;
  const counted = counting(body, (bytes) => {
    read += bytes;
  });
  const grown = (bytes: Buffer): Buffer => {
    plain += bytes.length;
    limits.check(read, plain);
    return bytes;
  };
  try {
    for await (const chunk of decompressed(counted)) {
      signal.throwIfAborted();
      grown(chunk);
      for (const event of reader.push(chunk)) await take(sink, event, grown);
    }
    reader.finish();
    await sink.finish();
    return await withoutForeign({ content, inflation }, scope, sink.files(), signal);
  } catch (error) {
    if (error instanceof TarError) throw invalid(error.message, { cause: error });
    throw error;
  }
}

async function take(sink: ArchiveSink, event: TarEvent, grown: (bytes: Buffer) => Buffer): Promise<void> {
  if (event.kind === "entry") await sink.begin(event.entry);
  else if (event.kind === "data") await sink.data(event.data);
  else for (const zeros of zerosOf(event.length)) await sink.data(grown(zeros));
}

const ZEROS = Buffer.alloc(256 << 10);

/** A hole of a sparse file, which has digests only as bytes. */
function* zerosOf(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

async function* counting(
  body: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    count(chunk.length);
    yield chunk;
  }
}

/** What the machine's programs undo, and no registry takes for a layer. */
const FOREIGN: readonly Compression[] = ["bzip2", "xz"];

/** An archive without an index has layers in any compression that tar has; they are stored as plain ones. */
async function withoutForeign(
  { content, inflation }: Pick<ImageDeps, "content" | "inflation">,
  scope: Scope,
  { documents, blobs }: ArchiveFiles,
  signal: AbortSignal,
): Promise<ArchiveFiles> {
  if (documents.has("index.json")) return { documents, blobs };
  const plain = new Map(blobs);
  for (const [name, { digest, compression }] of blobs) {
    if (!FOREIGN.includes(compression)) continue;
    const body = withoutCompression(content.read(scope, digest), inflation());
    const layer = await storeLayer({ content }, scope, body, signal);
    plain.set(name, { ...layer, compression: "none" });
  }
  return { documents, blobs: plain };
}

/** Plain bytes if it is compressed in a way that no layer of an image has; else as it is. */
export async function* withoutCompression(
  body: AsyncIterable<Uint8Array>,
  limits: InflationLimits,
): AsyncGenerator<Uint8Array> {
  const inflation = new Inflation(limits);
  let read = 0;
  let plain = 0;
  const counted = counting(body, (bytes) => {
    read += bytes;
  });
  for await (const chunk of decompressed(counted, FOREIGN)) {
    plain += chunk.length;
    inflation.check(read, plain);
    yield chunk;
  }
}

interface OpenBlob {
  readonly name: string;
  readonly ref: string;
  readonly writer: ContentWriter;
  readonly batches: BatchedWriter;
  readonly size: number;
  start: Buffer;
}

const openBlob = (what: Pick<OpenBlob, "name" | "ref" | "size">, writer: ContentWriter): OpenBlob => ({
  ...what,
  writer,
  batches: new BatchedWriter(writer, what.size),
  start: Buffer.alloc(0),
});

class ArchiveSink implements AsyncDisposable {
  readonly #content: ContentStore;
  readonly #scope: Scope;
  readonly #documents = new Map<string, Buffer>();
  readonly #blobs = new Map<string, ArchiveBlob>();
  readonly #links = new Map<string, string>();
  #document: { readonly name: string; readonly chunks: Buffer[] } | undefined;
  #blob: OpenBlob | undefined;
  #count = 0;

  constructor(content: ContentStore, scope: Scope) {
    this.#content = content;
    this.#scope = scope;
  }

  async begin(entry: TarEntry): Promise<void> {
    await this.finish();
    if (++this.#count > MAX_FILES) throw new TarError(`image archive has more than ${MAX_FILES} files`);
    const name = cleanPath(entry.name);
    if (entry.type === "symlink") this.#links.set(name, cleanPath(`${name}/../${entry.linkName}`));
    else if (entry.type === "hardlink") this.#links.set(name, cleanPath(entry.linkName));
    if (entry.type !== "file") return;
    if (DOCUMENTS.has(name)) this.#beginDocument(name, entry.size);
    else await this.#beginBlob(name, entry.size);
  }

  async data(data: Buffer): Promise<void> {
    if (this.#document !== undefined) {
      this.#document.chunks.push(Buffer.from(data));
      return;
    }
    const blob = this.#blob;
    if (blob === undefined) return;
    if (blob.start.length < SNIFF_LENGTH)
      blob.start = Buffer.concat([blob.start, data.subarray(0, SNIFF_LENGTH)]);
    await blob.batches.write(data);
  }

  /** The file that was begun last is complete. */
  async finish(): Promise<void> {
    const document = this.#document;
    this.#document = undefined;
    if (document !== undefined) this.#documents.set(document.name, Buffer.concat(document.chunks));
    const blob = this.#blob;
    if (blob === undefined) return;
    await blob.batches.end();
    const digest = await commitBlob(blob.writer, blob.size);
    this.#blob = undefined;
    await blob.writer[Symbol.asyncDispose]();
    await this.#content.abort(this.#scope, blob.ref).catch(() => undefined);
    this.#blobs.set(blob.name, { digest, size: blob.size, compression: sniffCompression(blob.start) });
  }

  /** Links stand for what they point at. */
  files(): ArchiveFiles {
    const blobs = new Map(this.#blobs);
    for (const [name, target] of this.#links) {
      const blob = blobs.get(target);
      if (blob !== undefined) blobs.set(name, blob);
    }
    return { documents: this.#documents, blobs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const blob = this.#blob;
    if (blob === undefined) return;
    await blob.writer[Symbol.asyncDispose]();
    await this.#content.abort(this.#scope, blob.ref).catch(() => undefined);
  }

  #beginDocument(name: string, size: number): void {
    if (size > MAX_DOCUMENT) throw new TarError(`${name} is larger than ${MAX_DOCUMENT} bytes`);
    this.#document = { name, chunks: [] };
  }

  async #beginBlob(name: string, size: number): Promise<void> {
    const ref = `load-${randomUUID()}`;
    this.#blob = openBlob({ name, ref, size }, await this.#content.openWriter(this.#scope, ref));
  }
}
