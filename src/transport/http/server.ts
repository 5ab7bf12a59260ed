// HTTP on unix sockets and TCP for long answers: no time limit for a request or its answer, hijacked connections, half-close.
// What a client can hold without asking for anything is bounded: the size and the time of a request's head, idle connections.

import { chmodSync, chownSync, lstatSync, unlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import { HttpExchange } from "./exchange.ts";
import { boundIdleConnections } from "./idle-connections.ts";
import { lookAtFirstBytes, type MayTakeOver } from "./raw-takeover.ts";

/** PEM texts. With `clientCa` a client needs a certificate of that authority. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
}

export type Address =
  | { readonly kind: "unix"; readonly path: string; readonly mode?: number; readonly gid?: number }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: TlsFiles }
  /** A listening socket that this process was started with. */
  | { readonly kind: "fd"; readonly fd: number };

/** Answers an exchange and does not reject. */
export type Serve = (exchange: HttpExchange) => Promise<void>;

const limits = {
  /** Of a request's line and headers; Go's own. */
  headerBytes: 1024 * 1024,
  /** From the connection, or the first byte of a further request, to the end of its headers; dockerd's own. */
  headerMs: 5 * 60_000,
  /** How often that is looked after. */
  checkMs: 15_000,
  idleConnections: 4096,
};

export class HttpServer implements AsyncDisposable {
  readonly #serve: Serve;
  readonly #mayTakeOver: MayTakeOver;
  readonly #servers: Server[] = [];
  readonly #silent: { readonly close: () => void }[] = [];
  readonly #paths: string[] = [];

  /** `mayTakeOver`: what clients may ask for without an upgrade and then send bytes of their own behind. */
  constructor(serve: Serve, mayTakeOver: MayTakeOver = () => false) {
    this.#serve = serve;
    this.#mayTakeOver = mayTakeOver;
  }

  /** Resolves with the port (0 for a unix socket) once connections are accepted. `serve`: for this address, instead of the common one. */
  async listen(address: Address, serve: Serve = this.#serve): Promise<number> {
    const tls = address.kind === "tcp" ? address.tls : undefined;
    const server = createHttp(serve, tls);
    const connected = tls === undefined ? "connection" : "secureConnection";
    this.#silent.push(lookAtFirstBytes(server, connected, this.#mayTakeOver));
    boundIdleConnections(server, connected, limits.idleConnections);
    this.#servers.push(server);
    if (address.kind === "tcp") return listenTcp(server, address);
    if (address.kind === "fd") {
      await listening(server, () => server.listen({ fd: address.fd }));
      return 0;
    }
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
    for (const { close } of this.#silent.splice(0)) close();
    for (const path of this.#paths.splice(0)) unlinkIfThere(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopAccepting();
    for (const server of this.#servers.splice(0)) server.closeAllConnections();
  }
}

function createHttp(serve: Serve, tls: TlsFiles | undefined): Server {
  const options = {
    requestTimeout: 0,
    headersTimeout: limits.headerMs,
    keepAliveTimeout: 0,
    connectionsCheckingInterval: limits.checkMs,
    noDelay: true,
    keepAlive: true, // a client whose machine is gone is found out
    maxHeaderSize: limits.headerBytes,
  };
  const server =
    tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tlsOptions(tls) });
  server.timeout = 0;
  server.on("request", (request, response) => void serve(new HttpExchange(request, response)));
  server.on("upgrade", (request, stream, head) => {
    void serve(new HttpExchange(request, { stream, head }));
  });
  return server;
}

/** `ca` replaces the authorities that the machine trusts. */
const tlsOptions = ({ cert, key, clientCa }: TlsFiles) => ({
  cert,
  key,
  minVersion: "TLSv1.2" as const,
  ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
});

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
