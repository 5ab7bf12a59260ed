// Joins a client's connection with a process's streams until one of them is done.

import type { Duplex } from "node:stream";
import { DetachScanner } from "./detach-keys.ts";

export interface BridgeOptions {
  /** The client's bytes go to the process. */
  readonly stdin: boolean;
  /** Keys to watch for on a terminal; undefined without one. */
  readonly detachKeys: Uint8Array | undefined;
  /** Awaited between the end of the output and the end of the connection: what the client asks for next is known then. */
  readonly beforeEnd?: () => Promise<void>;
}

export type BridgeEnd = "output-ended" | "client-left" | "detached";

/** Resolves when the process's output has ended and was handed to the connection, or when the client is gone. Disposes both. */
export async function bridge(socket: Duplex, stream: Duplex, options: BridgeOptions): Promise<BridgeEnd> {
  const { promise, resolve } = Promise.withResolvers<BridgeEnd>();
  stream.once("end", () => resolve("output-ended"));
  stream.once("close", () => resolve("output-ended"));
  stream.once("error", () => resolve("output-ended"));
  socket.once("close", () => resolve("client-left"));
  socket.once("error", () => resolve("client-left"));
  if (stream.readableEnded || stream.destroyed) resolve("output-ended"); // before anybody listened
  if (socket.destroyed) resolve("client-left");
  stream.pipe(socket, { end: false });
  if (options.stdin && options.detachKeys !== undefined) {
    const scanner = new DetachScanner(options.detachKeys, () => resolve("detached"));
    socket.pipe(scanner).pipe(stream);
  } else if (options.stdin) socket.pipe(stream);
  else socket.resume(); // what the client sends goes nowhere, but its end is seen
  const end = await promise;
  if (end === "output-ended") await options.beforeEnd?.();
  socket.unpipe();
  socket.end();
  stream.destroy();
  return end;
}
