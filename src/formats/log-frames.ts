// Docker's multiplexed stream: standard output and error of a container over one connection.
//
//   byte 0     stream: 0 stdin, 1 stdout, 2 stderr, 3 an error of the daemon itself
//   byte 1-3   zero
//   byte 4-7   length of the payload, big endian

const FRAME_HEADER_BYTES = 8;
type FrameStream = 0 | 1 | 2 | 3;

export interface Frame {
  readonly stream: FrameStream;
  readonly payload: Uint8Array;
}

export function encodeFrame(stream: 1 | 2 | 3, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.writeUInt32BE(stream * 0x1000000, 0);
  frame.writeUInt32BE(payload.length, 4);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

function streamOf(byte: number): FrameStream {
  if (byte === 0 || byte === 1 || byte === 2 || byte === 3) return byte;
  throw new Error(`Unrecognized input header: ${byte}`);
}

/**
 * Payloads in order. A frame whose payload arrives in pieces is handed on in pieces (each with the frame's stream), so
 * no announced length is ever buffered. Throws when the input ends inside a frame.
 */
export async function* decodeFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  let headerBytes = 0;
  let left = 0;
  let stream: FrameStream = 1;
  for await (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const payload = chunk.subarray(at, at + left);
        at += payload.length;
        left -= payload.length;
        yield { stream, payload };
        continue;
      }
      const taken = chunk.subarray(at, at + FRAME_HEADER_BYTES - headerBytes);
      header.set(taken, headerBytes);
      headerBytes += taken.length;
      at += taken.length;
      if (headerBytes < FRAME_HEADER_BYTES) break;
      stream = streamOf(header.readUInt8(0));
      left = header.readUInt32BE(4);
      headerBytes = 0;
    }
  }
  if (left > 0 || headerBytes > 0) throw new Error("unexpected EOF in a multiplexed stream");
}
