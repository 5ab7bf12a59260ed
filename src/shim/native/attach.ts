// A client's connection to a process's streams.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { notFound } from "#base/errors.ts";
import { readFailure } from "#kernel/zygote/failure.ts";
import { BodyReader, type Frame, FrameReader, frameTypes } from "#kernel/zygote/wire-frames.ts";
import type { AttachOptions } from "../shim.ts";
import { encodeRequest } from "./bodies.ts";
import { connectShim } from "./shim-socket.ts";

/** The reply; what came after it goes back into the socket. */
async function readReply(socket: Socket, signal: AbortSignal): Promise<Frame> {
  const frames = new FrameReader();
  for (;;) {
    const chunk: unknown = socket.read();
    if (chunk instanceof Buffer) {
      frames.push(chunk);
      const frame = frames.next();
      if (frame === undefined) continue;
      if (frames.rest.length > 0) socket.unshift(frames.rest);
      return frame;
    }
    if (socket.readableEnded || socket.destroyed) throw notFound("process", "of this shim");
    await readableOrClosed(socket, signal);
  }
}

/** Rejects when the connection fails or the signal aborts. */
function readableOrClosed(socket: Socket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const goOn = (): void => resolve();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  socket.on("readable", goOn).on("close", goOn).on("error", reject);
  signal.addEventListener("abort", abort, { once: true });
  return promise.finally(() => {
    socket.off("readable", goOn).off("close", goOn).off("error", reject);
    signal.removeEventListener("abort", abort);
  });
}

/** See Shim.attach. */
export async function attachTo(
  stateDir: string,
  execId: string,
  options: AttachOptions,
  signal: AbortSignal,
): Promise<Duplex> {
  const socket = await connectShim(stateDir, true, signal);
  try {
    const { stdin, stdout, stderr, early = false } = options;
    socket.write(encodeRequest("attach", 1, { id: execId, stdin, stdout, stderr, early }));
    const { type, body } = await readReply(socket, signal);
    const reader = new BodyReader(body);
    reader.u32();
    if (type !== frameTypes.done) throw readFailure(reader, () => `attach ${execId}`);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
