// What an import's URL leads to.

import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { EngineError, type ErrorKind, invalid, systemError } from "#base/errors.ts";
import { NetworkError } from "#containerd/registry/network-error.ts";
import type { ProxyFor } from "#containerd/registry/proxies.ts";

export interface FetchedArchive {
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes; 0 if the server does not say. */
  readonly size: number;
}

const kindOf: Readonly<Record<number, ErrorKind>> = {
  400: "invalid",
  401: "unauthorized",
  403: "forbidden",
  404: "notFound",
};

/** As much of a refusal as an error message shows. */
const MAX_REFUSAL = 1024;
const MAX_REDIRECTS = 10;

/** Throws `invalid` for what is no URL; one without a scheme is http, as with Docker. */
export function parseSource(text: string): URL {
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
  } catch {
    // told below
  }
  throw invalid(`invalid source ${JSON.stringify(text)}: must be an http or https URL`);
}

/** Redirects are followed. Rejects in Docker's words. */
export async function fetchArchive(
  url: URL,
  proxyFor: ProxyFor,
  signal: AbortSignal,
): Promise<FetchedArchive> {
  const response = await follow(url, proxyFor, signal);
  const { statusCode = 0, statusMessage = "" } = response;
  if (statusCode >= 200 && statusCode < 300)
    return { body: response, size: Number(response.headers["content-length"] ?? 0) };
  const said = await readStart(response);
  throw new EngineError(
    kindOf[statusCode] ?? "system",
    `failed to GET ${url.href} with status ${statusCode} ${statusMessage}: ${said}`,
  );
}

async function follow(first: URL, proxyFor: ProxyFor, signal: AbortSignal): Promise<IncomingMessage> {
  let url = first;
  for (let hops = 0; hops < MAX_REDIRECTS; hops++) {
    const response = await get(url, proxyFor(url), signal);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined)
      return response;
    response.destroy();
    url = parseSource(new URL(location, url).href);
  }
  throw systemError(`Get "${first.href}": stopped after ${MAX_REDIRECTS} redirects`);
}

async function get(url: URL, proxy: URL | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { request, Agent } = url.protocol === "https:" ? https : http;
  const through = proxy && { proxyEnv: { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href } };
  request(url, { signal, agent: new Agent(through) }, resolve)
    .on("error", (error) =>
      reject(signal.aborted ? signal.reason : new NetworkError("GET", url.href, error, proxy)),
    )
    .end();
  return await promise;
}

async function readStart(response: IncomingMessage): Promise<string> {
  let said = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    said += chunk;
    if (said.length >= MAX_REFUSAL) break;
  }
  return said.slice(0, MAX_REFUSAL).trim();
}
