// Streams and datagrams to a receiver of log messages. Failures are told in Go's words: "dial tcp 127.0.0.1:514: connect: connection refused".

import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect, isIP, type NetConnectOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, getCACertificates } from "node:tls";
import { promisify } from "node:util";
import { systemError } from "#base/errors.ts";
import { joinHostPort } from "./option-values.ts";

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPROTOTYPE: "protocol wrong type for socket",
};

function describeDial(network: string, address: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return systemError(`dial ${network}: lookup ${address.replace(/:\d+$/, "")}: no such host`, {
      cause: error,
    });
  if (code === "ETIMEDOUT") return systemError(`dial ${network} ${address}: i/o timeout`, { cause: error });
  const why = words[code];
  if (why !== undefined) return systemError(`dial ${network} ${address}: connect: ${why}`, { cause: error });
  return systemError(text.startsWith("dial ") ? text : `dial ${network} ${address}: ${text}`, {
    cause: error,
  });
}

export interface StreamTarget {
  readonly host?: string;
  readonly port?: number;
  /** A unix socket, instead of host and port. */
  readonly path?: string;
  readonly tls?: ConnectionOptions;
}

const CONNECT_TIMEOUT = 10_000;

/** A connected stream. Whatever breaks it rejects the writes that wait and all later ones. */
export class LogStream implements Disposable {
  readonly #socket: Socket;
  #broken: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#broken = error;
    });
    // A receiver that has closed its side takes nothing any more.
    socket.on("close", () => {
      this.#broken ??= new Error("the receiver has closed the connection");
    });
    socket.on("end", () => socket.destroy());
    socket.setKeepAlive(true, 30_000);
  }

  static async connect(target: StreamTarget, signal: AbortSignal): Promise<LogStream> {
    const { host = "127.0.0.1", port = 0, path, tls } = target;
    const network = path === undefined ? "tcp" : "unix";
    const address = path ?? joinHostPort(host, port);
    const event = tls === undefined ? "connect" : "secureConnect";
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT)]);
    try {
      const place = path === undefined ? { host, port } : { path };
      return new LogStream(await connected(openSocket(place, tls, host), event, limit));
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) throw systemError(`dial ${network} ${address}: i/o timeout`, { cause: error });
      throw describeDial(network, address, error);
    }
  }

  /** Resolves when the kernel has it all. `timeout` in milliseconds, 0 for none. */
  async write(data: Uint8Array, timeout: number, signal: AbortSignal): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => reject(signal.reason);
    const timer = timeout > 0 ? setTimeout(() => reject(new Error("i/o timeout")), timeout) : undefined;
    const closed = (): void => reject(this.#broken ?? new Error("closed"));
    signal.addEventListener("abort", stop, { once: true });
    this.#socket.once("close", closed);
    this.#socket.write(data, (error) => (error === null || error === undefined ? resolve() : reject(error)));
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      this.#socket.off("close", closed);
    }
  }

  onData(take: (data: Buffer) => void): void {
    this.#socket.on("data", take);
  }

  /** What a receiver says that nobody asked is not kept. */
  ignoreData(): void {
    this.#socket.resume();
  }

  onClose(closed: () => void): void {
    this.#socket.once("close", closed);
  }

  /** What was written is still sent. */
  [Symbol.dispose](): void {
    if (this.#broken === undefined) this.#socket.end();
    else this.#socket.destroy();
    this.#socket.unref();
  }
}

async function connected(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.on("error", () => undefined);
    socket.destroy();
    throw error;
  }
}

/** `tls.ca` comes on top of the authorities that the machine trusts (SSL_CERT_FILE, SSL_CERT_DIR), as in Go. */
function openSocket(target: NetConnectOpts, tls: ConnectionOptions | undefined, host: string): Socket {
  if (tls === undefined) return connect(target);
  const ca = [...getCACertificates("default"), ...getCACertificates("system"), ...[tls.ca ?? []].flat()];
  return connectTls({ ...target, ...(isIP(host) === 0 && { servername: host }), ...tls, ca });
}

/** Datagrams to one address. A receiver that is not there loses them, as the protocol has it. */
export class LogDatagrams implements Disposable {
  readonly #socket: DatagramSocket;
  readonly #send: (data: Uint8Array) => Promise<unknown>;

  private constructor(socket: DatagramSocket) {
    this.#socket = socket;
    this.#send = promisify((data: Uint8Array, done: (error: Error | null) => void) =>
      socket.send(data, done),
    );
    socket.on("error", () => undefined);
    socket.unref();
  }

  static async connect(host: string, port: number, signal: AbortSignal): Promise<LogDatagrams> {
    try {
      const { address, family } = await lookup(host);
      signal.throwIfAborted();
      const socket = createSocket(family === 6 ? "udp6" : "udp4");
      const connected = once(socket, "connect", { signal });
      socket.connect(port, address);
      await connected;
      return new LogDatagrams(socket);
    } catch (error) {
      signal.throwIfAborted();
      throw describeDial("udp", joinHostPort(host, port), error);
    }
  }

  async send(datagrams: readonly Uint8Array[]): Promise<void> {
    const sent = datagrams.map((data) => this.#send(data).catch(ignoreAbsence));
    await Promise.all(sent);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function ignoreAbsence(error: unknown): void {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ECONNREFUSED") throw error;
}
