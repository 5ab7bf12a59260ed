// A daemon that answers what it was told to, on a unix socket, and remembers what it was asked.

import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";

interface Asked {
  /** "POST /containers/create?name=web", without the version. */
  readonly line: string;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  /** Lines of a stream. */
  readonly lines?: readonly unknown[];
  /** Taken over after "101 UPGRADED". */
  readonly hijack?: (socket: Duplex, body: string) => void;
}

export type Answer = (asked: Asked) => Reply | Promise<Reply>;

export interface FakeDaemon extends AsyncDisposable {
  readonly host: string;
  readonly asked: readonly Asked[];
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks = await Array.fromAsync(stream);
  return Buffer.concat(chunks).toString();
}

const lineOf = ({ method, url }: IncomingMessage): string =>
  `${method} ${decodeURIComponent((url ?? "").replace(/^\/v1\.\d+/, ""))}`;

function send(response: ServerResponse, { status = 200, json, lines }: Reply): void {
  response.writeHead(status, { "Content-Type": "application/json", "Api-Version": "1.41", Ostype: "linux" });
  response.flushHeaders();
  for (const line of lines ?? []) response.write(`${JSON.stringify(line)}\n`);
  response.end(json === undefined ? "" : JSON.stringify(json));
}

export async function startFakeDaemon(answer: Answer): Promise<FakeDaemon> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-fake-"));
  const path = join(folder, "docker.sock");
  const asked: Asked[] = [];
  const sockets = new Set<Duplex>();
  const receive = async (request: IncomingMessage): Promise<Reply> => {
    const one = { line: lineOf(request), body: await textOf(request) };
    if (one.line.endsWith("/_ping")) return {};
    asked.push(one);
    return await answer(one);
  };
  const server = createServer((request, response) => {
    receive(request).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, { status: 500, json: { message: String(error) } }),
    );
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => undefined); // a client that detached is gone before we have said all
    receive(request).then(
      ({ hijack }) => {
        socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        hijack?.(socket, "");
      },
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  return {
    host: `unix://${path}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
