// HTTP requests to registries: keep-alive per endpoint, redirects followed without leaking credentials, bounded waiting.

import http, { type IncomingMessage } from "node:http";
import type { Agent as SecureAgent } from "node:https";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isRecord } from "#base/decode.ts";
import { systemError } from "#base/errors.ts";
import type { TlsFiles } from "./certificates.ts";
import { NetworkError } from "./network-error.ts";
import type { ProxyFor } from "./proxies.ts";
import { TransientError } from "./retry.ts";

/** A body that can be sent more than once. */
export interface StreamBody {
  readonly size: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Text may hold credentials: it is sent to no other host. */
  readonly body?: string | Uint8Array | StreamBody;
}

/** How one endpoint's TLS is checked; the same object is used for every request to it. */
export interface Trust extends TlsFiles {
  readonly verify: boolean;
}

export interface HttpTransportOptions {
  readonly userAgent: string;
  /** The proxy that a URL is to be reached through. */
  readonly proxyFor: ProxyFor;
  /** A registry that says nothing for this long is given up; a minute by default. */
  readonly idleMs?: number;
}

const MAX_REDIRECTS = 10;
const IDLE_MS = 60_000;
/** A registry may copy gigabytes before it answers to the end of an upload. */
const COMMIT_MS = 15 * 60_000;
const DEFAULT_TRUST: Trust = { verify: true };

/** Holds the connections of one pull or push; disposing closes them. */
export class HttpTransport implements Disposable {
  readonly #agents = new Map<Trust, Map<string, http.Agent>>();
  readonly #options: HttpTransportOptions;
  /** Connections to proxies, which agents forget while no tunnel stands in them. */
  readonly #proxied = new Set<Duplex>();

  constructor(options: HttpTransportOptions) {
    this.#options = options;
  }

  /** The answer's body must be read or destroyed. Rejects NetworkError, in Docker's words. */
  async send(request: HttpRequest, trust: Trust, signal: AbortSignal): Promise<IncomingMessage> {
    let current = request;
    let trusted = trust;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const response = await this.#oncePerConnection(current, trusted, signal);
      const location = response.headers.location;
      if (!isRedirect(response, current) || location === undefined) return response;
      response.destroy();
      const next = URL.parse(location, current.url);
      if (next === null) throw systemError(`Get "${current.url.href}": failed to parse Location header`);
      if (next.host !== current.url.host || next.protocol !== current.url.protocol) trusted = DEFAULT_TRUST;
      current = redirected(current, next);
    }
    throw systemError(`Get "${request.url.href}": stopped after ${MAX_REDIRECTS} redirects`);
  }

  [Symbol.dispose](): void {
    for (const agents of this.#agents.values()) for (const agent of agents.values()) agent.destroy();
    this.#agents.clear();
    for (const socket of this.#proxied) socket.destroy();
  }

  /** A kept connection may have been closed by the registry just now: that is no failure of this request. Where a stream of
   *  bytes was under way it may as well be one: its sender has to find out how many have come. */
  async #oncePerConnection(
    request: HttpRequest,
    trust: Trust,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const sent = { reused: false };
    try {
      return await this.#once(request, trust, sent, signal);
    } catch (error) {
      const again = sent.reused && !isStream(request.body);
      if (!again || !(error instanceof NetworkError) || !wasReset(error.cause)) throw error;
      return await this.#once(request, trust, sent, signal);
    }
  }

  async #once(
    request: HttpRequest,
    trust: Trust,
    sent: { reused: boolean },
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const { url, method, body } = request;
    const { userAgent, idleMs: timeout = IDLE_MS } = this.#options;
    const proxy = this.#proxyFor(url);
    const agent = await this.#agent(url, trust, proxy);
    const { request: open } = url.protocol === "https:" ? await import("node:https") : http;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = { "User-Agent": userAgent, ...bodyHeaders(body), ...request.headers };
    const outgoing = open(url, { method, headers, agent, signal, timeout });
    outgoing.once("response", (response) => {
      response.setTimeout(timeout, () => response.destroy(new Error("no data from the registry")));
      resolve(response);
    });
    const fail = (cause: Error): void => {
      sent.reused = outgoing.reusedSocket;
      reject(signal.aborted ? signal.reason : new NetworkError(method, url.href, cause, proxy));
    };
    outgoing.once("timeout", () => outgoing.destroy(new Error("i/o timeout")));
    if (method === "PUT" || method === "PATCH") outgoing.once("finish", () => outgoing.setTimeout(COMMIT_MS));
    outgoing.on("error", fail);
    using _connecting = watchConnecting(outgoing, { fail, timeout, signal });
    sendBody(outgoing, body);
    return await promise;
  }

  /** Throws for a proxy that cannot be used: what is meant for it must not go past it. */
  #proxyFor(url: URL): URL | undefined {
    try {
      return this.#options.proxyFor(new URL(url.href));
    } catch (cause) {
      throw systemError(`Get "${url.href}": ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }

  async #agent({ protocol, host }: URL, trust: Trust, proxy: URL | undefined): Promise<http.Agent> {
    const key = proxy === undefined ? protocol : `${protocol} ${host} ${proxy.href}`;
    const agents = this.#agents.get(trust) ?? new Map<string, http.Agent>();
    this.#agents.set(trust, agents);
    const known = agents.get(key);
    if (known !== undefined) return known;
    const agent =
      protocol === "https:"
        ? await secureAgent(trust, proxy, this.#proxied)
        : new http.Agent({ keepAlive: true, ...throughProxy(proxy) });
    agents.set(key, agent);
    return agent;
  }
}

/** Node decides by environment variables; ours has decided already, by Docker's rules. */
const throughProxy = (proxy: URL | undefined): Pick<http.AgentOptions, "proxyEnv"> =>
  proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href } };

/** While TLS is begun within a tunnel neither the request's timeout nor its signal is heeded by Node (26). */
function watchConnecting(
  outgoing: http.ClientRequest,
  run: { readonly fail: (cause: Error) => void; readonly timeout: number; readonly signal: AbortSignal },
): Disposable {
  const { fail, timeout, signal } = run;
  const onAbort = (): void => fail(new Error("aborted"));
  const timer = setTimeout(() => {
    fail(new Error("i/o timeout"));
    outgoing.destroy(); // a tunnel that stands later is not used
  }, timeout);
  const end = (): void => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  };
  signal.addEventListener("abort", onAbort);
  outgoing.once("socket", end);
  return { [Symbol.dispose]: end };
}

const wasReset = (cause: unknown): boolean =>
  isRecord(cause) && (cause.code === "ECONNRESET" || cause.code === "EPIPE");

/** What a body is sent to stays there, but for the codes that keep method and body. */
function isRedirect({ statusCode = 0 }: IncomingMessage, { method }: HttpRequest): boolean {
  if (statusCode === 307 || statusCode === 308) return true;
  return [301, 302, 303].includes(statusCode) && (method === "GET" || method === "HEAD");
}

const isStream = (body: HttpRequest["body"]): body is StreamBody =>
  body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array);

function bodyHeaders(body: HttpRequest["body"]): Readonly<Record<string, string>> {
  if (body === undefined) return {};
  const size = typeof body === "string" ? Buffer.byteLength(body) : "size" in body ? body.size : body.length;
  return { "Content-Length": String(size) };
}

function sendBody(outgoing: http.ClientRequest, body: HttpRequest["body"]): void {
  if (!isStream(body)) {
    outgoing.end(body);
    return;
  }
  pipeline(Readable.from(body.open(), { objectMode: false }), outgoing).catch((error: unknown) =>
    outgoing.destroy(error instanceof Error ? error : new Error(String(error))),
  );
}

/** `opened` gets the connections to the proxy, for as long as they are open. */
async function secureAgent(
  { verify, ca, cert, key }: Trust,
  proxy: URL | undefined,
  opened: Set<Duplex>,
): Promise<http.Agent> {
  const { Agent } = await import("node:https");
  class ProxiedAgent extends Agent {
    override createConnection(...[options, callback]: Parameters<SecureAgent["createConnection"]>) {
      const socket = super.createConnection(options, callback);
      if (proxy === undefined || !socket) return socket;
      opened.add(socket);
      return socket.once("close", () => opened.delete(socket));
    }
  }
  return new ProxiedAgent({
    keepAlive: true,
    rejectUnauthorized: verify,
    ...throughProxy(proxy),
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}

/** Credentials, which a text may hold too, stay with the host they were made for; never from TLS to plain HTTP. */
export function redirected(request: HttpRequest, next: URL): HttpRequest {
  if (next.protocol !== "https:" && next.protocol !== "http:")
    throw systemError(
      `Get "${request.url.href}": unsupported protocol scheme "${next.protocol.slice(0, -1)}"`,
    );
  if (request.url.protocol === "https:" && next.protocol === "http:")
    throw systemError(`Get "${request.url.href}": refused to follow a redirect from https to http`);
  if (next.host === request.url.host) return { ...request, url: next };
  if (typeof request.body === "string")
    throw systemError(`Post "${request.url.href}": refused to send credentials on to ${next.host}`);
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== "authorization"),
  );
  return { ...request, headers, url: next };
}

/** The whole body; a longer one than `limit` bytes is refused. Rejects TransientError if it breaks off. */
export async function readBody(response: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readChunks(response)) {
    size += chunk.length;
    if (size > limit) {
      response.destroy();
      throw systemError(`registry answer is larger than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body's own failures, and only these, are an unexpected end. */
export async function* readChunks(body: IncomingMessage): AsyncGenerator<Buffer> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => {
        throw new TransientError("unexpected EOF", { cause });
      });
      if (next.done === true) return;
      if (!Buffer.isBuffer(next.value)) throw new TypeError("an HTTP body gave text");
      yield next.value;
    }
  } finally {
    body.destroy();
  }
}
