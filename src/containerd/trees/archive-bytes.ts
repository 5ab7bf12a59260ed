// The bytes of an archive that may be compressed.

import { pipeline } from "node:stream";
import { SNIFF_LENGTH, sniffCompression } from "#formats/tar-compression.ts";
import { openDecoder } from "../diff/decompress.ts";

export async function* decompressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
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
  const decoder = openDecoder(sniffCompression(Buffer.concat(first).subarray(0, SNIFF_LENGTH)));
  if (decoder === undefined) return yield* all;
  // The iteration sees every error: pipeline destroys the decoder with it.
  for await (const chunk of pipeline(all, decoder, () => undefined)) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("an archive gave text");
    yield chunk;
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
