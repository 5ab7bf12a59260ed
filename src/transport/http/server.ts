// HTTP on unix sockets and TCP for long answers: no timeouts, hijacked connections, half-close.

import { chmodSync, chownSync, lstatSync, unlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { HttpExchange } from "./exchange.ts";

export type Address =
  | { readonly kind: "unix"; readonly path: string; readonly mode?: number; readonly gid?: number }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export class HttpServer implements AsyncDisposable {
  readonly #serve: (exchange: HttpExchange) => Promise<void>;
  readonly #servers: Server[] = [];
  readonly #paths: string[] = [];

  /** `serve` answers every exchange and does not reject. */
  constructor(serve: (exchange: HttpExchange) => Promise<void>) {
    this.#serve = serve;
  }

  /** Resolves with the port (0 for a unix socket) once connections are accepted. */
  async listen(address: Address): Promise<number> {
    const server = this.#create();
    this.#servers.push(server);
    if (address.kind === "tcp") return listenTcp(server, address);
    await removeStaleSocket(address.path);
    this.#paths.push(address.path);
    await listening(server, () => server.listen({ path: address.path, backlog: 1024 }));
    if (address.mode !== undefined) chmodSync(address.path, address.mode);
    if (address.gid !== undefined) chownSync(address.path, 0, address.gid);
    return 0;
  }

  /** Takes no new connections and closes the idle ones; those in use go on. */
  stopAccepting(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeIdleConnections();
    }
    for (const path of this.#paths.splice(0)) unlinkIfThere(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopAccepting();
    for (const server of this.#servers.splice(0)) server.closeAllConnections();
  }

  #create(): Server {
    const server = createServer({
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
      connectionsCheckingInterval: 60_000,
      noDelay: true,
      maxHeaderSize: 64 * 1024,
    });
    server.timeout = 0;
    server.on("request", (request, response) => void this.#serve(new HttpExchange(request, response)));
    server.on("upgrade", (request, stream, head) => {
      void this.#serve(new HttpExchange(request, { stream, head }));
    });
    return server;
  }
}

function listening(server: Server, start: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.once("listening", () => {
    server.off("error", reject);
    resolve();
  });
  start();
  return promise;
}

async function listenTcp(server: Server, address: { host: string; port: number }): Promise<number> {
  await listening(server, () => server.listen({ host: address.host, port: address.port, backlog: 1024 }));
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : address.port;
}

/** A socket file nobody listens on is removed; one that answers is somebody's. */
async function removeStaleSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect(path);
  probe.once("connect", () => resolve(true));
  probe.once("error", () => resolve(false));
  const alive = await promise;
  probe.destroy();
  if (alive) throw new Error(`listen unix ${path}: bind: address already in use`);
  unlinkIfThere(path);
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
