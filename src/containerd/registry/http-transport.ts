// HTTP requests to registries: keep-alive per endpoint, redirects followed without leaking credentials, bounded waiting.

import http, { type IncomingMessage } from "node:http";
import { systemError } from "#base/errors.ts";
import type { TlsFiles } from "./certificates.ts";
import { networkError } from "./network-error.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** How one endpoint's TLS is checked; the same object is used for every request to it. */
export interface Trust extends TlsFiles {
  readonly verify: boolean;
}

const MAX_REDIRECTS = 10;
/** A registry that says nothing for this long is given up. */
const IDLE_MS = 60_000;
const DEFAULT_TRUST: Trust = { verify: true };

/** Holds the connections of one pull; disposing closes them. */
export class HttpTransport implements Disposable {
  readonly #agents = new Map<Trust, Map<string, http.Agent>>();
  readonly #userAgent: string;

  constructor(userAgent: string) {
    this.#userAgent = userAgent;
  }

  /** The answer's body must be read or destroyed. Rejects with the network's error in Docker's words. */
  async send(request: HttpRequest, trust: Trust, signal: AbortSignal): Promise<IncomingMessage> {
    let current = request;
    let trusted = trust;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const response = await this.#once(current, trusted, signal);
      const location = response.headers.location;
      const { statusCode = 0 } = response;
      if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return response;
      response.destroy();
      const next = new URL(location, current.url);
      if (next.host !== current.url.host || next.protocol !== current.url.protocol) trusted = DEFAULT_TRUST;
      current = redirected(current, next);
    }
    throw systemError(`Get "${request.url.href}": stopped after ${MAX_REDIRECTS} redirects`);
  }

  [Symbol.dispose](): void {
    for (const agents of this.#agents.values()) for (const agent of agents.values()) agent.destroy();
    this.#agents.clear();
  }

  async #once(request: HttpRequest, trust: Trust, signal: AbortSignal): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const { url, method, body } = request;
    const secure = url.protocol === "https:";
    const agent = await this.#agent(url.protocol, trust);
    const { request: open } = secure ? await import("node:https") : http;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = { "User-Agent": this.#userAgent, ...request.headers };
    const outgoing = open(url, { method, headers, agent, signal, timeout: IDLE_MS });
    outgoing.once("response", (response) => {
      response.setTimeout(IDLE_MS, () => response.destroy(new Error("no data from the registry")));
      resolve(response);
    });
    outgoing.once("timeout", () => outgoing.destroy(new Error("i/o timeout")));
    outgoing.on("error", (cause) =>
      reject(signal.aborted ? signal.reason : networkError(method, url.href, cause)),
    );
    outgoing.end(body);
    return await promise;
  }

  async #agent(protocol: string, trust: Trust): Promise<http.Agent> {
    const agents = this.#agents.get(trust) ?? new Map<string, http.Agent>();
    this.#agents.set(trust, agents);
    const known = agents.get(protocol);
    if (known !== undefined) return known;
    const agent = protocol === "https:" ? await secureAgent(trust) : new http.Agent({ keepAlive: true });
    agents.set(protocol, agent);
    return agent;
  }
}

async function secureAgent({ verify, ca, cert, key }: Trust): Promise<http.Agent> {
  const { Agent } = await import("node:https");
  return new Agent({
    keepAlive: true,
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}

/** Credentials, which a body may hold too, stay with the host they were made for; never from TLS to plain HTTP. */
export function redirected(request: HttpRequest, next: URL): HttpRequest {
  if (next.protocol !== "https:" && next.protocol !== "http:")
    throw systemError(
      `Get "${request.url.href}": unsupported protocol scheme "${next.protocol.slice(0, -1)}"`,
    );
  if (request.url.protocol === "https:" && next.protocol === "http:")
    throw systemError(`Get "${request.url.href}": refused to follow a redirect from https to http`);
  if (next.host === request.url.host) return { ...request, url: next };
  if (request.body !== undefined)
    throw systemError(`Post "${request.url.href}": refused to send credentials on to ${next.host}`);
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== "authorization"),
  );
  return { ...request, headers, url: next };
}

/** The whole body; a longer one than `limit` bytes is refused. */
export async function readBody(response: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("an HTTP body gave text");
    size += chunk.length;
    if (size > limit) throw systemError(`registry answer is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
