// WebSocket frames (RFC 6455) as a server sees them: the client's are masked, the server's are not.
//
//   fin rsv opcode (1 byte) | mask, length (1) | longer length (0, 2 or 8) | masking key (0 or 4) | payload

import { createHash } from "node:crypto";
import { invalid } from "#base/errors.ts";

export const opcodes = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Of the answer to a Sec-WebSocket-Key. */
export const acceptKey = (key: string): string =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

/** One whole message. */
export function encodeWebSocketFrame(opcode: number, payload: Uint8Array): Buffer {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = size < 126 ? size : size < 65536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(size, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, payload]);
}

/** Data comes in pieces as it arrives; control frames are whole. */
export interface WebSocketPiece {
  readonly opcode: number;
  readonly payload: Buffer;
}

interface OpenFrame {
  readonly opcode: number;
  readonly key: Buffer;
  readonly length: number;
  /** Of the payload, so far. */
  read: number;
}

/** Holds no more than one head or one control frame, both short. */
export class WebSocketDecoder {
  #rest: Buffer = Buffer.alloc(0);
  #frame: OpenFrame | undefined;

  /** Throws for bytes that no client may send. */
  decode(chunk: Uint8Array): readonly WebSocketPiece[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const pieces: WebSocketPiece[] = [];
    for (;;) {
      this.#frame ??= this.#takeHead();
      const frame = this.#frame;
      if (frame === undefined) return pieces;
      const isControl = frame.opcode >= opcodes.close;
      const wanted = frame.length - frame.read;
      if (isControl ? this.#rest.length < wanted : wanted > 0 && this.#rest.length === 0) return pieces;
      const payload = unmask(this.#rest.subarray(0, wanted), frame);
      this.#rest = this.#rest.subarray(payload.length);
      frame.read += payload.length;
      if (frame.read === frame.length) this.#frame = undefined;
      if (isControl || payload.length > 0) pieces.push({ opcode: frame.opcode, payload });
    }
  }

  #takeHead(): OpenFrame | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    const opcode = first & 0x0f;
    const short = second & 0x7f;
    if ((first & 0x70) !== 0 || (second & 0x80) === 0) throw invalid("bad WebSocket frame");
    if (opcode >= opcodes.close && (short > 125 || (first & 0x80) === 0))
      throw invalid("bad WebSocket control frame");
    const size = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < size + 4) return undefined;
    const length = size === 2 ? short : size === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (!Number.isSafeInteger(length)) throw invalid("bad WebSocket frame length");
    this.#rest = bytes.subarray(size + 4);
    return { opcode, key: Buffer.from(bytes.subarray(size, size + 4)), length, read: 0 };
  }
}

function unmask(bytes: Buffer, { key, read }: OpenFrame): Buffer {
  const plain = Buffer.from(bytes);
  for (let at = 0; at < plain.length; at++) plain[at] = (plain[at] ?? 0) ^ (key[(read + at) % 4] ?? 0);
  return plain;
}
