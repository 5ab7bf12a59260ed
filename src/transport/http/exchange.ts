// One request and the means to answer it, whether it came with an Upgrade header or not.

import { type IncomingHttpHeaders, type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export type Headers = Readonly<Record<string, string>>;

export interface StreamHead {
  readonly status: number;
  readonly headers: Headers;
}

export class HttpExchange {
  readonly method: string;
  /** As sent: path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly #request: IncomingMessage;
  readonly #socket: Socket;
  readonly #controller = new AbortController();
  readonly #upgradeHead: Uint8Array | undefined;
  #response: ServerResponse | undefined;
  #hijacked = false;

  /** Without `response` the request asked for an upgrade and `head` is what came after it. */
  constructor(request: IncomingMessage, answer: ServerResponse | Uint8Array) {
    this.method = request.method ?? "GET";
    this.url = request.url ?? "/";
    this.headers = request.headers;
    this.#request = request;
    this.#socket = request.socket;
    if (answer instanceof ServerResponse) this.#response = answer;
    else this.#upgradeHead = answer;
    this.#socket.once("close", this.#abort);
    if (this.#upgradeHead !== undefined) this.#socket.on("error", () => undefined);
  }

  /** Aborts when the client hangs up before the answer is complete. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get wantsUpgrade(): boolean {
    return this.#upgradeHead !== undefined;
  }

  /** True once a status line is out: an error can no longer be told by a status. */
  get answered(): boolean {
    return this.#hijacked || this.#response?.headersSent === true;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#request;
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
  async stream({ status, headers }: StreamHead, chunks: AsyncIterable<Uint8Array | string>): Promise<void> {
    const response = this.#openResponse();
    response.writeHead(status, { ...headers });
    response.flushHeaders();
    try {
      for await (const chunk of chunks) {
        if (this.signal.aborted) return;
        if (!response.write(chunk)) await this.#drained(response);
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
  async hijack(headers: Headers, serve: (socket: Socket) => Promise<void>): Promise<void> {
    const socket = this.#upgradeHead === undefined ? await this.#detach() : this.#socket;
    const first = this.wantsUpgrade
      ? "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
      : "HTTP/1.1 200 OK\r\n";
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    if (this.#upgradeHead !== undefined && this.#upgradeHead.length > 0) socket.unshift(this.#upgradeHead);
    this.#hijacked = true;
    socket.setNoDelay(true);
    socket.write(`${first}${lines.join("")}\r\n`);
    try {
      await serve(socket);
    } finally {
      this.#settle();
      socket.destroySoon();
    }
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
    for (const event of ["data", "end", "close", "drain", "timeout", "error"])
      socket.removeAllListeners(event);
    socket.once("close", this.#abort);
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
