// gRPC carries messages, an attached client bytes: each gets a unix socket of its own, for one connection.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Time for the client to connect after it was told the path, in milliseconds. */
const connectTime = 10_000;

export class AttachSockets {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Resolves with the path to connect to; owns `stream` from now on. */
  async offer(stream: Duplex): Promise<string> {
    const path = join(this.#folder, `${randomBytes(8).toString("hex")}.sock`);
    const server = createServer({ allowHalfOpen: true });
    const timeout = setTimeout(() => {
      server.close();
      stream.destroy();
    }, connectTime).unref();
    server.once("connection", (socket: Socket) => {
      clearTimeout(timeout);
      server.close();
      rmSync(path, { force: true });
      void joinStreams(socket, stream);
    });
    stream.once("error", () => undefined); // it may break before anybody has joined it
    try {
      await once(server.listen(path).unref(), "listening");
      return path;
    } catch (error) {
      clearTimeout(timeout);
      stream.destroy();
      throw error;
    }
  }
}

/** Each direction ends for itself; a failure ends both, and the other side sees its stream end. */
async function joinStreams(socket: Socket, stream: Duplex): Promise<void> {
  try {
    await Promise.all([pipeline(socket, stream), pipeline(stream, socket)]);
  } catch {
    socket.destroy();
    stream.destroy();
  }
}

/** The client's end. `signal` ends the wait for the connection, not what flows over it, as with a shim's own socket. */
export async function connectAttachSocket(path: string, signal: AbortSignal): Promise<Duplex> {
  signal.throwIfAborted();
  const socket = createConnection({ path, allowHalfOpen: true });
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
