// A rotated log file, compressed: a gzip file that any tool reads, made of members of up to 256 KiB of lines each, so that a reader can
// begin anywhere. Each member's header has an extra field ("GL", RFC 1952 2.3.1.1) with what it takes to go from one to the next:
//
//   u32le length of the member · u32le length of its content · u64le, u64le identity of the file that was compressed

import type { FileHandle } from "node:fs/promises";
import { promisify } from "node:util";
import { crc32, deflateRaw, inflateRaw } from "node:zlib";
import type { LogFile } from "./log-file.ts";

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

const EXTRA_BYTES = 24;
/** Ten bytes of gzip, the length of the extra fields, the head of ours, ours. */
export const HEADER_BYTES = 10 + 2 + 4 + EXTRA_BYTES;
const TRAILER_BYTES = 8;
const MEMBER_CONTENT = 256 * 1024;
/** Of gzip: the fastest; log lines are three to ten times smaller with it. */
const LEVEL = 1;

interface Member {
  readonly id: string;
  readonly length: number;
  readonly contentLength: number;
}

/** undefined if this is not the head of such a member. */
export function readMemberHeader(head: Buffer): Member | undefined {
  if (head.readUInt32BE(0) !== 0x1f8b0804 || head.readUInt16LE(10) !== EXTRA_BYTES + 4) return undefined;
  if (head.toString("latin1", 12, 14) !== "GL" || head.readUInt16LE(14) !== EXTRA_BYTES) return undefined;
  return {
    length: head.readUInt32LE(16),
    contentLength: head.readUInt32LE(20),
    id: `${head.readBigUInt64LE(24)}-${head.readBigUInt64LE(32)}`,
  };
}

async function encodeMember(content: Buffer, id: string): Promise<Buffer> {
  const packed = await deflate(content, { level: LEVEL });
  const member = Buffer.alloc(HEADER_BYTES + packed.length + TRAILER_BYTES);
  member.writeUInt32BE(0x1f8b0804, 0);
  member.writeUInt8(0xff, 9); // made by: unknown
  member.writeUInt16LE(EXTRA_BYTES + 4, 10);
  member.write("GL", 12, "latin1");
  member.writeUInt16LE(EXTRA_BYTES, 14);
  member.writeUInt32LE(member.length, 16);
  member.writeUInt32LE(content.length, 20);
  const [inode = "0", born = "0"] = id.split("-");
  member.writeBigUInt64LE(BigInt(inode), 24);
  member.writeBigUInt64LE(BigInt(born), 32);
  member.set(packed, HEADER_BYTES);
  member.writeUInt32LE(crc32(content), member.length - 8);
  member.writeUInt32LE(content.length, member.length - 4);
  return member;
}

/** The work is done by Node's pool of threads; the loop turns after each member. */
export async function compressLog(from: LogFile, to: FileHandle, signal: AbortSignal): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(MEMBER_CONTENT);
  for (let position = 0; ; ) {
    signal.throwIfAborted();
    const length = await from.read(buffer, position);
    if (length === 0) return;
    position += length;
    await to.appendFile(await encodeMember(buffer.subarray(0, length), from.id));
  }
}

interface Place {
  /** Of the member in the file. */
  readonly at: number;
  readonly length: number;
  /** Of its content in the lines. */
  readonly from: number;
  readonly to: number;
}

export class CompressedLog implements LogFile {
  readonly id: string;
  readonly #file: FileHandle;
  #places: readonly Place[] | undefined;
  /** The member that was read last. */
  #current: { readonly place: Place; readonly content: Buffer } | undefined;

  constructor(file: FileHandle, id: string) {
    this.#file = file;
    this.id = id;
  }

  async size(): Promise<number> {
    return (await this.#members()).at(-1)?.to ?? 0;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const place = (await this.#members()).find(({ from, to }) => position >= from && position < to);
    if (place === undefined) return 0;
    if (this.#current?.place !== place) this.#current = { place, content: await this.#unpack(place) };
    const { content } = this.#current;
    return content.copy(buffer, 0, position - place.from);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #members(): Promise<readonly Place[]> {
    if (this.#places !== undefined) return this.#places;
    const places: Place[] = [];
    const head = Buffer.alloc(HEADER_BYTES);
    for (let at = 0, from = 0; ; ) {
      const { bytesRead } = await this.#file.read(head, 0, HEADER_BYTES, at);
      const member = bytesRead === HEADER_BYTES ? readMemberHeader(head) : undefined;
      if (member === undefined || member.length <= HEADER_BYTES) break;
      places.push({ at, length: member.length, from, to: from + member.contentLength });
      at += member.length;
      from += member.contentLength;
    }
    this.#places = places;
    return places;
  }

  async #unpack({ at, length, from, to }: Place): Promise<Buffer> {
    const packed = Buffer.alloc(length - HEADER_BYTES - TRAILER_BYTES);
    await this.#file.read(packed, 0, packed.length, at + HEADER_BYTES);
    const content = await inflate(packed, { maxOutputLength: MEMBER_CONTENT });
    if (content.length !== to - from) throw new Error(`a compressed log is damaged at byte ${at}`);
    return content;
  }
}
