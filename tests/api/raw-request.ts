// One HTTP request on a daemon's socket as it is, without a client's library: what comes back is told whole.

import { request } from "node:http";
import { addAbortSignal, type Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";

export interface RawRequest {
  readonly method: string;
  /** With version and query. */
  readonly path: string;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly accept?: string;
  /** Asks for the raw connection, or for a WebSocket. */
  readonly upgrade?: "tcp" | "websocket";
  /** Sent on the raw connection, whose sending side is then closed. */
  readonly input?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Of an upgraded connection: all that came until it was closed. */
  readonly body: Buffer;
}

const upgrades = {
  tcp: { connection: "Upgrade", upgrade: "tcp" },
  websocket: {
    connection: "Upgrade",
    upgrade: "websocket",
    origin: "http://localhost",
    "sec-websocket-version": "13",
    "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
  },
};

/** Rejects when no answer has come, or its end, within 20 seconds. */
export async function sendRaw(socketPath: string, asked: RawRequest): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const payload = asked.json === undefined ? asked.bytes : Buffer.from(JSON.stringify(asked.json));
  const outgoing = request({
    socketPath,
    method: asked.method,
    path: asked.path,
    signal: AbortSignal.timeout(20_000),
    headers: {
      host: "docker",
      ...(payload !== undefined && { "content-length": payload.length }),
      ...(asked.json !== undefined && { "content-type": "application/json" }),
      ...(asked.bytes !== undefined && { "content-type": "application/x-tar" }),
      ...(asked.accept !== undefined && { accept: asked.accept }),
      ...(asked.upgrade !== undefined && upgrades[asked.upgrade]),
    },
  });
  const tell = (status = 0, headers: RawAnswer["headers"], body: Promise<Buffer>): void => {
    body.then((bytes) => resolve({ status, headers, body: bytes }), reject);
  };
  outgoing.on("response", (answer) => tell(answer.statusCode, answer.headers, buffer(answer)));
  outgoing.on("upgrade", (answer, socket, head) => {
    tell(answer.statusCode, answer.headers, readRest(socket, head));
    socket.end(asked.input ?? "");
  });
  outgoing.on("error", reject);
  outgoing.end(payload);
  return promise;
}

async function readRest(socket: Duplex, head: Buffer): Promise<Buffer> {
  const chunks = [head];
  addAbortSignal(AbortSignal.timeout(20_000), socket);
  try {
    for await (const chunk of socket) chunks.push(Buffer.from(chunk));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && ["ECONNRESET", "EPIPE"].includes(String(error.code))))
      throw error;
  }
  return Buffer.concat(chunks);
}
