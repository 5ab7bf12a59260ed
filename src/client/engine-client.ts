// Calls of the Engine API: the version is negotiated once, errors become ApiError, bodies are JSON.

import { claimed } from "#base/decode.ts";
import { parseJsonLines } from "#formats/json-lines.ts";
import { maxApiVersion, minApiVersion } from "#spec/engine-api/versions.ts";
import { ApiError, messageOf } from "./api-error.ts";
import type { Endpoint } from "./endpoint.ts";
import { Exchange, type Hijacked, type HttpAnswer, type HttpRequest } from "./exchange.ts";

/** The newest version of the API that this client speaks. */
export const API_VERSION = maxApiVersion;
/** A JSON answer (not a stream) may be this long. */
const MAX_ANSWER = 256 * 1024 * 1024;

type QueryValue = string | number | boolean | readonly string[] | undefined;
type Query = Readonly<Record<string, QueryValue>>;
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface ApiRequest {
  readonly method: HttpRequest["method"];
  /** Without the version: "/containers/json". */
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: AsyncIterable<Uint8Array>;
}

export interface Ping {
  readonly apiVersion: string;
  readonly osType: string;
  readonly experimental: boolean;
  readonly builderVersion: string;
}

export interface EngineClientOptions {
  readonly endpoint: Endpoint;
  /** Speaks this version instead of asking the daemon for its own. */
  readonly version?: string;
  readonly userAgent?: string;
  /** Sent with every request, below what a call sets itself. */
  readonly headers?: Readonly<Record<string, string>>;
}

const minorOf = (version: string): number => Number(version.split(".")[1] ?? 0);

/** The older of two versions "1.41". */
const olderVersion = (a: string, b: string): string => (minorOf(a) < minorOf(b) ? a : b);

/** `filters={"name":{"web":true}}`, as Docker's client writes them. */
export const encodeFilters = (filters: Filters | undefined): string | undefined => {
  if (filters === undefined || Object.keys(filters).length === 0) return undefined;
  const sets = Object.entries(filters).map(
    ([name, values]) => [name, Object.fromEntries(values.map((value) => [value, true]))] as const,
  );
  return JSON.stringify(Object.fromEntries(sets));
};

function encodeQuery(query: Query | undefined): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === false || value === "") continue;
    const values = Array.isArray(value) ? value : [value === true ? "1" : String(value)];
    for (const one of values) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ANSWER) throw new Error("the daemon's answer is too long");
  }
  return Buffer.concat(chunks).toString();
}

export class EngineClient implements Disposable {
  readonly endpoint: Endpoint;
  readonly #exchange: Exchange;
  readonly #headers: Readonly<Record<string, string>>;
  #version: string | undefined;

  constructor(options: EngineClientOptions) {
    this.endpoint = options.endpoint;
    this.#exchange = new Exchange(options.endpoint);
    this.#version = options.version;
    this.#headers = {
      ...options.headers,
      "User-Agent": options.userAgent ?? "Gantry-Client/0.1.0 (linux)",
    };
  }

  [Symbol.dispose](): void {
    this.#exchange[Symbol.dispose]();
  }

  /** Asks the daemon what it speaks, and settles the version of all later calls. Rejects ConnectionError. */
  async ping(signal: AbortSignal): Promise<Ping> {
    const answer = await this.#send({ method: "HEAD", path: "/_ping" }, "", signal);
    await textOf(answer.body);
    const header = (name: string): string => String(answer.headers[name] ?? "");
    const apiVersion = header("api-version");
    this.#version ??= olderVersion(API_VERSION, apiVersion === "" ? minApiVersion : apiVersion);
    return {
      apiVersion,
      osType: header("ostype"),
      experimental: header("docker-experimental") === "true",
      builderVersion: header("builder-version"),
    };
  }

  /** The version in use: "1.41". */
  async version(signal: AbortSignal): Promise<string> {
    if (this.#version === undefined) await this.ping(signal);
    return this.#version ?? minApiVersion;
  }

  /** Throws in Docker's words if the daemon speaks an older version than `needed`. */
  async require(what: string, needed: string, signal: AbortSignal): Promise<void> {
    const version = await this.version(signal);
    if (olderVersion(version, needed) === version && version !== needed)
      throw new Error(
        `${what} requires API version ${needed}, but the Docker daemon API version is ${version}`,
      );
  }

  /** The answer of a call that succeeded; its body is the caller's to read. Rejects ApiError and ConnectionError. */
  async call(request: ApiRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#send(request, `/v${await this.version(signal)}`, signal);
    if (answer.status < 400) return answer;
    throw new ApiError(answer.status, messageOf(await textOf(answer.body), answer.status, request.path));
  }

  /** The bytes of the answer as text. */
  async text(request: ApiRequest, signal: AbortSignal): Promise<string> {
    const answer = await this.call(request, signal);
    return await textOf(answer.body);
  }

  /** The JSON of the answer, undefined if it is empty. The daemon's word is taken for the shape; all fields are optional. */
  async json<T>(request: ApiRequest, signal: AbortSignal): Promise<T> {
    const text = await this.text(request, signal);
    return claimed<T>(text.trim() === "" ? undefined : JSON.parse(text));
  }

  /** Each JSON value of a streamed answer, as it comes. */
  async *jsonStream<T>(request: ApiRequest, signal: AbortSignal): AsyncGenerator<T> {
    const answer = await this.call(request, signal);
    for await (const value of parseJsonLines(answer.body)) yield claimed<T>(value);
  }

  /** A connection taken over for raw streams; the caller ends and destroys the socket. */
  async hijack(request: ApiRequest, signal: AbortSignal): Promise<Hijacked> {
    const version = await this.version(signal);
    const answer = await this.#exchange.hijack(this.#httpRequest(request, `/v${version}`), signal);
    if ("socket" in answer) return answer;
    const body = await textOf(answer.body);
    if (answer.status >= 400) throw new ApiError(answer.status, messageOf(body, answer.status, request.path));
    throw new Error(`unable to upgrade to tcp, received ${answer.status}`);
  }

  #httpRequest(request: ApiRequest, prefix: string): HttpRequest {
    const json = request.json === undefined ? undefined : JSON.stringify(request.json);
    const body = json ?? request.body;
    return {
      method: request.method,
      path: `${prefix}${request.path}${encodeQuery(request.query)}`,
      headers: {
        ...this.#headers,
        ...(json === undefined ? {} : { "Content-Type": "application/json" }),
        ...request.headers,
      },
      ...(body === undefined ? {} : { body }),
    };
  }

  async #send(request: ApiRequest, prefix: string, signal: AbortSignal): Promise<HttpAnswer> {
    return await this.#exchange.send(this.#httpRequest(request, prefix), signal);
  }
}
