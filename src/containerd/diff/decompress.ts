// The uncompressed bytes of a layer blob.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline, type Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { type Compression, SNIFF_LENGTH, sniffCompression } from "#formats/tar-compression.ts";
import { TarError } from "#formats/tar-entry.ts";

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

/** undefined if there is nothing to decode; throws TarError for what is known and not supported. */
export function openDecoder(compression: Compression): Transform | undefined {
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
      throw new TarError(`${compression} compression is not supported`);
    default:
      return compression satisfies never;
  }
}

async function readStart(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_LENGTH), 0, SNIFF_LENGTH, 0);
  return buffer.subarray(0, bytesRead);
}
