// One request and the means to answer it, whether it came with an Upgrade header or not.

import type { X509Certificate } from "node:crypto";
import { type IncomingHttpHeaders, type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { invalid } from "#base/errors.ts";
import { acceptKey } from "#formats/websocket.ts";
import { watchHangUp } from "./hang-up.ts";
import { rawTakeover } from "./raw-takeover.ts";
import { WebSocketStream } from "./websocket.ts";

export type Headers = Readonly<Record<string, string>>;

export interface StreamHead {
  readonly status: number;
  readonly headers: Headers;
  /** The chunks' memory is given back as soon as they are written; else the collector's work grows with each gigabyte. */
  readonly givenAway?: boolean;
}

/** What the server hands over when a client asked for an upgrade. `stream` is not always the socket: while the request's body is still
 *  under way it is a stream that begins behind it. `head` came after the request and goes before what `stream` gives. */
export interface Upgrade {
  readonly stream: Duplex;
  readonly head: Uint8Array;
}

const formatHeaders = (headers: Headers): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");

export class HttpExchange {
  readonly method: string;
  /** As sent: path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly #request: IncomingMessage;
  readonly #socket: Socket;
  readonly #controller = new AbortController();
  readonly #upgrade: Upgrade | undefined;
  #response: ServerResponse | undefined;
  #hijacked = false;

  constructor(request: IncomingMessage, answer: ServerResponse | Upgrade) {
    this.method = request.method ?? "GET";
    this.url = request.url ?? "/";
    this.headers = request.headers;
    this.#request = request;
    this.#socket = request.socket;
    if (answer instanceof ServerResponse) this.#response = answer;
    else this.#upgrade = answer;
    this.#socket.once("close", this.#abort);
    this.#upgrade?.stream.on("error", () => undefined);
  }

  /** Aborts when the client hangs up before the answer is complete. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the client asked for it: one that did not is answered as if there were none. */
  get wantsUpgrade(): boolean {
    return this.#upgrade !== undefined && this.headers.upgrade !== rawTakeover;
  }

  /** True once a status line is out: an error can no longer be told by a status. */
  get answered(): boolean {
    return this.#hijacked || this.#response?.headersSent === true;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#request.iterator({ destroyOnReturn: false }); // who stops reading can still answer
  }

  /** The client's own first, then those that it was issued by; none without TLS or without a client certificate. */
  peerCertificates(): readonly X509Certificate[] {
    const first = this.#socket instanceof TLSSocket ? this.#socket.getPeerX509Certificate() : undefined;
    const chain: X509Certificate[] = [];
    for (let next = first; next !== undefined && chain.length < 10; next = next.issuerCertificate) {
      if (chain.some(({ fingerprint256 }) => fingerprint256 === next?.fingerprint256)) break;
      chain.push(next);
    }
    return chain;
  }

  /** Undefined when the client sends chunks of unknown number. */
  get bodyLength(): number | undefined {
    const length = this.headers["content-length"];
    if (length !== undefined) return Number(length);
    return this.headers["transfer-encoding"] === undefined ? 0 : undefined;
  }

  send(status: number, headers: Headers, body = ""): void {
    this.#settle();
    const response = this.#openResponse();
    const length = status === 304 || status === 204 ? {} : { "Content-Length": Buffer.byteLength(body) };
    response.writeHead(status, { ...length, ...headers });
    response.end(this.method === "HEAD" ? undefined : body);
  }

  /** Flushes the head at once, then each chunk as it comes, at the client's pace. A failing source cuts the connection. */
  async stream(head: StreamHead, chunks: AsyncIterable<Uint8Array | string>): Promise<void> {
    const response = this.#openResponse();
    response.writeHead(head.status, { ...head.headers });
    response.flushHeaders();
    try {
      for await (const chunk of chunks) {
        if (this.signal.aborted) return;
        if (response.write(chunk)) continue;
        await this.#drained(response);
        if (head.givenAway === true && !this.signal.aborted) release(chunk);
      }
      this.#settle();
      response.end();
    } catch (error) {
      if (this.signal.aborted) return;
      this.#socket.destroy();
      throw error;
    }
  }

  /**
   * Takes the connection out of HTTP: 101 for a client that asked for an upgrade, else 200 with the bytes as they are.
   * `serve` has the socket until it resolves; then it is closed. Half-closing works in both directions.
   */
  async hijack(headers: Headers, serve: (stream: Duplex) => Promise<void>): Promise<void> {
    const stream = this.#upgrade?.stream ?? (await this.#detach());
    const first = this.wantsUpgrade
      ? "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
      : "HTTP/1.1 200 OK\r\n";
    if (this.#upgrade !== undefined && this.#upgrade.head.length > 0) stream.unshift(this.#upgrade.head);
    this.#hijacked = true;
    stream.write(`${first}${formatHeaders(headers)}\r\n`);
    using _watch = watchHangUp(this.#socket);
    try {
      await serve(stream);
    } finally {
      this.#settle();
      stream.end(() => stream.destroy());
    }
  }

  /** The same for a WebSocket client. Throws what a client is told that is none. */
  async websocket(
    headers: Headers,
    options: { readonly text: boolean },
    serve: (stream: Duplex) => Promise<void>,
  ): Promise<void> {
    const key = this.headers["sec-websocket-key"] ?? "";
    const upgrade = this.#upgrade;
    if (upgrade === undefined || this.headers.upgrade?.toLowerCase() !== "websocket" || key === "")
      throw invalid("not websocket protocol");
    if (this.headers["sec-websocket-version"] !== "13") throw invalid("missing or bad WebSocket Version");
    const protocol = this.headers["sec-websocket-protocol"]?.split(",")[0]?.trim();
    const lines = {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Accept": acceptKey(key),
      ...(protocol !== undefined && { "Sec-WebSocket-Protocol": protocol }),
      ...headers,
    };
    if (upgrade.head.length > 0) upgrade.stream.unshift(upgrade.head);
    this.#hijacked = true;
    upgrade.stream.write(`HTTP/1.1 101 Switching Protocols\r\n${formatHeaders(lines)}\r\n`);
    const stream = new WebSocketStream(upgrade.stream, options);
    stream.on("error", () => undefined);
    try {
      await serve(stream);
    } finally {
      this.#settle();
      stream.end();
    }
  }

  /** What was begun for this request ends: nobody waits for it any more. */
  abandon(): void {
    this.#abort();
  }

  /** Reads what is left of the request, so that the connection can be used again. */
  discardBody(): void {
    if (!this.#request.readableEnded) this.#request.resume();
  }

  /** Removes Node's HTTP parser from the connection; the socket then belongs to the caller. */
  async #detach(): Promise<Socket> {
    for await (const _rest of this.#request);
    const socket = this.#socket;
    this.#response?.detachSocket(socket);
    // Node's own listener for "close" stays: it frees the parser, which would hold all of this for ever.
    for (const event of ["data", "end", "drain", "timeout", "error"]) socket.removeAllListeners(event);
    socket.on("error", () => undefined);
    // A listener makes Node stop feeding its parser from the handle; taking it away again leaves the stream unread.
    const placeholder = () => undefined;
    socket.on("readable", placeholder);
    socket.off("readable", placeholder);
    await new Promise(setImmediate);
    return socket;
  }

  #openResponse(): ServerResponse {
    if (this.#response !== undefined) return this.#response;
    const response = new ServerResponse(this.#request);
    response.shouldKeepAlive = false;
    response.assignSocket(this.#socket);
    response.on("finish", () => this.#socket.destroySoon());
    this.#response = response;
    return response;
  }

  async #drained(response: ServerResponse): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    response.once("drain", done);
    this.#socket.once("close", done);
    await promise;
    response.off("drain", done);
    this.#socket.off("close", done);
  }

  readonly #abort = (): void => {
    this.#controller.abort(new Error("context canceled"));
  };

  #settle(): void {
    this.#socket.off("close", this.#abort);
  }
}

function release(chunk: Uint8Array | string): void {
  if (typeof chunk !== "string" && chunk.buffer instanceof ArrayBuffer) chunk.buffer.transfer(0);
}
