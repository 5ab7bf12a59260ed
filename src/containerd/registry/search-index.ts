// A search in an index by version 1 of the registry protocol, which Docker Hub still answers.
//
//   GET https://INDEX/v1/_ping ---- nothing, and the index is insecure -> GET http://INDEX/v1/_ping
//   GET …/v1/search?q=TERM&n=LIMIT  X-Docker-Token: true, and who asks ---- {"results": […]}

import type { IncomingMessage } from "node:http";
import { EngineError, invalid, prefixed, systemError } from "#base/errors.ts";
import { parseGoJson } from "#formats/go-json.ts";
import type { Credentials } from "#spec/distribution.ts";
import { decodeSearchResults, type SearchResult } from "#spec/search-index.ts";
import { readTlsFiles } from "./certificates.ts";
import { type Endpoint, planEndpoints } from "./endpoints.ts";
import { HttpTransport, readBody, type Trust } from "./http-transport.ts";
import { NetworkError } from "./network-error.ts";
import { Registries, type RegistryOptions } from "./registries.ts";

export interface IndexSearch {
  /** "docker.io", "127.0.0.1:5000" */
  readonly domain: string;
  readonly term: string;
  /** 0: as many as Docker asks for. */
  readonly limit: number;
  readonly credentials: Credentials | undefined;
}

const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 100;
const MAX_ANSWER = 4 << 20;
const HUB = "docker.io";
const HUB_INDEX = "index.docker.io";

/** Rejects in Docker's words. */
export async function searchIndex(
  options: RegistryOptions,
  search: IndexSearch,
  signal: AbortSignal,
): Promise<readonly SearchResult[]> {
  using index = await openIndex(options, search.domain, signal);
  const { term, limit } = search;
  if (limit < 0 || limit > MAX_LIMIT)
    throw invalid(`limit ${limit} is outside the range of [1, ${MAX_LIMIT}]`);
  const query = new URLSearchParams({ q: term, n: String(limit === 0 ? DEFAULT_LIMIT : limit) });
  const authorization = await authorize(options, search, signal).catch((error: unknown) => {
    throw error instanceof EngineError ? prefixed(`Get "${index.urlOf(`search?${query}`)}": `, error) : error;
  });
  const headers = { "X-Docker-Token": "true", ...authorization };
  return parseAnswer(await index.get(`search?${query}`, headers, signal));
}

/** An index that has answered. */
class OpenIndex implements Disposable {
  readonly #transport: HttpTransport;
  readonly #trust: Trust;
  readonly #root: string;

  constructor(transport: HttpTransport, trust: Trust, root: string) {
    this.#transport = transport;
    this.#trust = trust;
    this.#root = root;
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }

  urlOf(at: string): string {
    return `${this.#root}${at}`;
  }

  async get(
    at: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: string }> {
    const request = { method: "GET" as const, url: new URL(this.urlOf(at)), headers };
    const response: IncomingMessage = await this.#transport.send(request, this.#trust, signal);
    const body = (await readBody(response, MAX_ANSWER)).toString();
    return { status: response.statusCode ?? 0, body };
  }
}

async function openIndex(options: RegistryOptions, domain: string, signal: AbortSignal): Promise<OpenIndex> {
  const host = domain === HUB ? HUB_INDEX : domain;
  const [https, http] = planEndpoints(host, options.registries);
  const tls = await readTlsFiles(options.registries.certsDirs, host);
  const open = (protocol: string, endpoint: Endpoint | undefined): OpenIndex =>
    new OpenIndex(
      new HttpTransport(options),
      { ...tls, verify: endpoint?.verifyTls ?? true },
      `${protocol}://${host}/v1/`,
    );
  if (domain === HUB) return open("https", https);
  const first = await ping(open("https", https), signal);
  if (first instanceof OpenIndex) return first;
  if (http === undefined) throw refuseSecure(host, first);
  const second = await ping(open("http", http), signal);
  if (second instanceof OpenIndex) return second;
  throw invalid(
    `invalid registry endpoint "http://${host}/v1/". HTTPS attempt: ${first.message}. HTTP attempt: ${second.message}`,
    { cause: second },
  );
}

/** What there is instead, if nothing answers. */
async function ping(index: OpenIndex, signal: AbortSignal): Promise<OpenIndex | NetworkError> {
  using undo = new DisposableStack();
  undo.use(index);
  try {
    await index.get("_ping", {}, signal);
    undo.move();
    return index;
  } catch (error) {
    if (error instanceof NetworkError) return error;
    throw error;
  }
}

const refuseSecure = (host: string, cause: NetworkError): EngineError =>
  invalid(
    `invalid registry endpoint https://${host}/v1/: ${cause.message}. If this private registry supports only HTTP or HTTPS with an unknown CA certificate, please add \`--insecure-registry ${host}\` to the daemon's arguments. In the case of HTTPS, if you have access to the registry's CA certificate, no need for the flag; simply place the CA certificate at /etc/docker/certs.d/${host}/ca.crt`,
    { cause },
  );

/** An identity token is exchanged with the registry's token server; a password is shown to the index. */
async function authorize(
  options: RegistryOptions,
  { domain, credentials }: IndexSearch,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (credentials === undefined || credentials.username === "") return {};
  if (credentials.identityToken === "") {
    const { username, password } = credentials;
    return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
  }
  using registries = new Registries(options);
  const access = { domain, capability: "push", credentials } as const;
  return await registries.ask(
    access,
    async ({ connection, authorizer }) => {
      await connection.hello(signal);
      return await authorizer.header(["registry:catalog:search"], signal);
    },
    signal,
  );
}

function parseAnswer({ status, body }: { readonly status: number; readonly body: string }) {
  if (status !== 200) throw systemError(`Unexpected status code ${status}`);
  const read = parseGoJson(body);
  if (read.kind === "value" || read.kind === "trailing")
    try {
      return decodeSearchResults(JSON.parse(body), "");
    } catch (cause) {
      throw systemError("error decoding registry search results", { cause });
    }
  const why = read.kind === "empty" ? "EOF" : read.message;
  throw systemError(`error decoding registry search results: ${why}`);
}
