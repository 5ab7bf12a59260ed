// gzip by several threads at once: a stream is cut into blocks, each compressed with the end of the one before it as its dictionary, so
// that the result is one ordinary gzip member (RFC 1952), nearly as small as zlib's own, and always the same for the same bytes.

import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";

const BLOCK = 512 * 1024;
const WINDOW = 32 * 1024;
/** Blocks under way: as many as Node's pool has threads. */
const AT_ONCE = 4;
const LEVEL = 6;
/** Magic, deflate, no flags, no time, no hint, system unknown: what Go's writer begins with. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

const compress = promisify(deflateRaw);

/** `onRead` hears how many bytes have been taken. */
export async function* gzipInBlocks(
  source: AsyncIterable<Uint8Array>,
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  yield HEADER;
  const running: Promise<Buffer>[] = [];
  let checksum = 0;
  let size = 0;
  let window: Buffer | undefined;
  for await (const block of blocksOf(source)) {
    checksum = crc32(block, checksum);
    size += block.length;
    onRead(size);
    running.push(deflateBlock(block, window));
    window = block.subarray(-WINDOW);
    if (running.length >= AT_ONCE) yield await nextOf(running);
  }
  while (running.length > 0) yield await nextOf(running);
  const trailer = Buffer.alloc(10);
  trailer[0] = 3; // an empty last block
  trailer.writeUInt32LE(checksum, 2);
  trailer.writeUInt32LE(size % 2 ** 32, 6);
  yield trailer;
}

async function nextOf(running: Promise<Buffer>[]): Promise<Buffer> {
  const [first = Promise.resolve(Buffer.alloc(0))] = running;
  const bytes = await first;
  running.splice(0, 1);
  return bytes;
}

/** Ends at a byte's boundary, without an end of the stream. */
async function deflateBlock(block: Buffer, dictionary: Buffer | undefined): Promise<Buffer> {
  const running = compress(block, {
    level: LEVEL,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary !== undefined && { dictionary }),
  });
  // A failure is told where its turn comes.
  running.catch(() => undefined);
  return await running;
}

async function* blocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    held.push(chunk);
    size += chunk.length;
    if (size < BLOCK) continue;
    const all = Buffer.concat(held);
    let at = 0;
    for (; all.length - at >= BLOCK; at += BLOCK) yield all.subarray(at, at + BLOCK);
    held = [all.subarray(at)];
    size = all.length - at;
  }
  if (size > 0) yield Buffer.concat(held);
}
