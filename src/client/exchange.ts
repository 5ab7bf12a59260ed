// One HTTP request to a daemon and its answer, over a unix socket, TCP or TLS; and the hijacked connections of attach
// and exec, which stay open in both directions and may be closed one direction at a time.

import type { Agent, IncomingHttpHeaders, IncomingMessage, RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import { connectionError } from "./api-error.ts";
import type { Endpoint } from "./endpoint.ts";
import { connectCommand } from "./ssh.ts";

export interface HttpRequest {
  readonly method: "DELETE" | "GET" | "HEAD" | "POST" | "PUT";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A connection that left HTTP. `end()` closes our direction only; the peer's goes on. */
export interface Hijacked {
  readonly socket: Duplex;
  readonly contentType: string;
}

// An ESM import of node:http costs 45 ms of start-up, this 5; a short-lived program feels it.
const http = (): typeof import("node:http") => process.getBuiltinModule("node:http");
const net = (): typeof import("node:net") => process.getBuiltinModule("node:net");
const tls = (): typeof import("node:tls") => process.getBuiltinModule("node:tls");

/** A connection that nothing was said on; the caller ends and destroys it. */
export function connect(endpoint: Endpoint): Duplex {
  if (endpoint.kind === "ssh") return connectCommand(endpoint.command);
  if (endpoint.kind === "unix") return net().connect({ path: endpoint.path, allowHalfOpen: true });
  const address = { host: endpoint.host, port: endpoint.port };
  if (endpoint.tls === undefined) return net().connect({ ...address, allowHalfOpen: true });
  const { verify, ...files } = endpoint.tls;
  const name = net().isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {};
  const socket = net().connect({ ...address, allowHalfOpen: true });
  // `host` is what the certificate must be of, an address, too; `servername` may be a name only.
  return tls().connect({ socket, host: endpoint.host, ...files, ...name, rejectUnauthorized: verify });
}

// Without a name the agent looks whether the host is an IP address, which takes Node 10 ms the first time.
const NO_SERVER_NAME = { servername: "" };

function addressOf(endpoint: Endpoint): RequestOptions & { readonly servername?: string } {
  switch (endpoint.kind) {
    case "unix":
      return { socketPath: endpoint.path, host: "localhost", ...NO_SERVER_NAME };
    case "ssh":
      return { host: "localhost", ...NO_SERVER_NAME };
    case "tcp": {
      const { host, port, tls } = endpoint;
      return { host, port, ...(tls === undefined ? NO_SERVER_NAME : {}) };
    }
    default:
      return endpoint satisfies never;
  }
}

const basePathOf = (endpoint: Endpoint): string => (endpoint.kind === "tcp" ? endpoint.basePath : "");

function bodyHeaders(body: HttpRequest["body"]): Record<string, string | number> {
  if (body === undefined) return {};
  if (typeof body === "string") return { "Content-Length": Buffer.byteLength(body) };
  return body instanceof Uint8Array ? { "Content-Length": body.length } : {};
}

/** Connections to one daemon; idle ones are kept for the next request and do not keep the process alive. */
export class Exchange implements Disposable {
  readonly #endpoint: Endpoint;
  readonly #agent: Agent;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    const { Agent } = http();
    const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
    if (endpoint.kind === "ssh" || (endpoint.kind === "tcp" && endpoint.tls !== undefined))
      agent.createConnection = () => connect(endpoint);
    this.#agent = agent;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** Resolves when the headers of the answer are there, whatever its status. Rejects ConnectionError. */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#dispatch(request, { agent: this.#agent }, signal);
    if (!("message" in answer))
      throw new Error("the daemon upgraded a connection that was not to be upgraded");
    const { message } = answer;
    return { status: message.statusCode ?? 0, headers: message.headers, body: message };
  }

  /** Asks for an upgrade; the answer is a plain one if the daemon refuses. */
  async hijack(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | Hijacked> {
    const endpoint = this.#endpoint;
    const headers = { ...request.headers, Connection: "Upgrade", Upgrade: "tcp" };
    const options = { createConnection: () => connect(endpoint) };
    const answer = await this.#dispatch({ ...request, headers }, options, signal);
    if ("socket" in answer) return answer;
    const { message } = answer;
    return { status: message.statusCode ?? 0, headers: message.headers, body: message };
  }

  #dispatch(
    request: HttpRequest,
    connection: RequestOptions,
    signal: AbortSignal,
  ): Promise<{ readonly message: IncomingMessage } | Hijacked> {
    const { promise, resolve, reject } = Promise.withResolvers<
      { readonly message: IncomingMessage } | Hijacked
    >();
    const outgoing = http().request({
      ...addressOf(this.#endpoint),
      ...connection,
      method: request.method,
      path: basePathOf(this.#endpoint) + request.path,
      headers: { Host: "docker", ...request.headers, ...bodyHeaders(request.body) },
      signal,
    });
    outgoing.on("response", (message) => resolve({ message }));
    outgoing.on("upgrade", (message, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ socket, contentType: message.headers["content-type"] ?? "" });
    });
    outgoing.on("error", (error) => reject(connectionError(error, this.#endpoint.text)));
    const { body } = request;
    if (body === undefined || typeof body === "string" || body instanceof Uint8Array) outgoing.end(body);
    else sendChunks(body, outgoing).catch((error: unknown) => outgoing.destroy(asError(error)));
    return promise;
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** A connection that ends before it has taken all drains no more. */
async function untilDrained(outgoing: import("node:http").ClientRequest): Promise<void> {
  if (outgoing.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  outgoing.once("drain", resolve).once("close", resolve);
  await promise;
  outgoing.off("drain", resolve).off("close", resolve);
}

async function sendChunks(
  chunks: AsyncIterable<Uint8Array>,
  outgoing: import("node:http").ClientRequest,
): Promise<void> {
  for await (const chunk of chunks) {
    if (!outgoing.write(chunk)) await untilDrained(outgoing);
    if (outgoing.destroyed) return; // which ends the source, too
  }
  outgoing.end();
}
