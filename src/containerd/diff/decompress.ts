// The uncompressed bytes of a layer blob, or of an archive that comes as a stream.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { type Duplex, pipeline } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { type Compression, SNIFF_LENGTH, sniffCompression } from "#formats/tar-compression.ts";
import { ProgramDecoder } from "./program-decoder.ts";

/** Larger output chunks make zlib half as fast again. */
const CHUNK = 256 * 1024;
/** A decoder may be made to hold this much (2^27 = 128 MiB), the format's recommended limit. */
const ZSTD_WINDOW_LOG = 27;

/** Reads the file, tells its compression from its magic; `onRead` hears how many bytes of the file were used so far. */
export async function* readDecompressed(
  path: string,
  onRead: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const compression = sniffCompression(await readStart(path));
  const file = createReadStream(path, { highWaterMark: CHUNK, signal });
  const decoder = openDecoder(compression);
  // The iteration below sees every error: pipeline destroys the decoder with it.
  const output = decoder === undefined ? file : pipeline(file, decoder, () => undefined);
  for await (const chunk of output) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("a layer stream gave text");
    onRead(file.bytesRead);
    yield chunk;
  }
}

const ALL: readonly Compression[] = ["gzip", "zstd", "bzip2", "xz"];

/** The bytes of an archive, without those of the compressions that it may have. */
export async function* decompressed(chunks: AsyncIterable<Uint8Array>, kinds = ALL): AsyncGenerator<Buffer> {
  const input = chunks[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let held = 0;
  while (held < SNIFF_LENGTH) {
    const next = await input.next();
    if (next.done === true) break;
    first.push(bufferOf(next.value));
    held += next.value.length;
  }
  const all = (async function* () {
    yield* first;
    for (let next = await input.next(); next.done !== true; next = await input.next())
      yield bufferOf(next.value);
  })();
  const compression = sniffCompression(Buffer.concat(first).subarray(0, SNIFF_LENGTH));
  const decoder = kinds.includes(compression) ? openDecoder(compression) : undefined;
  if (decoder === undefined) return yield* all;
  // The iteration sees every error: pipeline destroys the decoder with it.
  for await (const chunk of pipeline(all, decoder, () => undefined)) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("an archive gave text");
    yield chunk;
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** undefined if there is nothing to decode. */
function openDecoder(compression: Compression): Duplex | undefined {
  switch (compression) {
    case "none":
      return undefined;
    case "gzip":
      return createGunzip({ chunkSize: CHUNK });
    case "zstd":
      return createZstdDecompress({
        chunkSize: CHUNK,
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
      });
    case "bzip2":
    case "xz":
      return new ProgramDecoder(compression);
    default:
      return compression satisfies never;
  }
}

async function readStart(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_LENGTH), 0, SNIFF_LENGTH, 0);
  return buffer.subarray(0, bytesRead);
}
