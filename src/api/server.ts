// The REST API over an HTTP exchange:
//   exchange -> version prefix -> route -> handle(call) -> answer
// A failure on the way becomes {"message": text} with the status of src/api/failures.ts.

import { EngineError } from "#base/errors.ts";
import { maxApiVersion } from "#spec/engine-api/versions.ts";
import type { HttpExchange } from "#transport/http/exchange.ts";
import { readJsonBody } from "./body.ts";
import { isBug, toHttpFailure } from "./failures.ts";
import { Matcher } from "./matcher.ts";
import type { ApiCall, ApiResponse, Route } from "./router.ts";
import { negotiate } from "./version.ts";

export interface ApiServerDeps {
  readonly routes: readonly Route[];
  /** For the Server header: "0.1.0". */
  readonly version: string;
  readonly log: {
    debug(message: string): void;
    error(message: string, error: unknown): void;
  };
}

export class ApiServer {
  readonly #matcher: Matcher;
  readonly #log: ApiServerDeps["log"];
  readonly #commonHeaders: Readonly<Record<string, string>>;

  constructor(deps: ApiServerDeps) {
    this.#matcher = new Matcher(deps.routes);
    this.#log = deps.log;
    this.#commonHeaders = {
      "Api-Version": maxApiVersion,
      "Docker-Experimental": "false",
      Ostype: "linux",
      Server: `Gantry/${deps.version} (linux)`,
    };
  }

  /** Answers one exchange; never rejects. */
  async serve(exchange: HttpExchange): Promise<void> {
    try {
      await this.#answer(exchange, await this.#dispatch(exchange));
    } catch (error) {
      this.#fail(exchange, error);
    }
    exchange.discardBody();
  }

  async #dispatch(exchange: HttpExchange): Promise<ApiResponse> {
    const { pathname, query } = splitUrl(exchange.url);
    const { minor, path } = negotiate(pathname);
    const match = this.#matcher.find(exchange.method, path, minor);
    if (match === undefined) throw pageNotFound();
    const call: ApiCall = {
      params: match.params,
      query: new URLSearchParams(query),
      headers: exchange.headers,
      version: { minor },
      body: exchange.body,
      json: () => readJsonBody(exchange),
      signal: exchange.signal,
    };
    return match.route.handle(call);
  }

  async #answer(exchange: HttpExchange, response: ApiResponse): Promise<void> {
    switch (response.kind) {
      case "empty":
        return exchange.send(response.status, { ...this.#commonHeaders, ...response.headers });
      case "json":
        return exchange.send(
          response.status,
          { ...this.#commonHeaders, "Content-Type": "application/json", ...response.headers },
          `${JSON.stringify(response.value)}\n`,
        );
      case "text":
        return exchange.send(
          response.status,
          { ...this.#commonHeaders, "Content-Type": "text/plain; charset=utf-8", ...response.headers },
          response.text,
        );
      case "stream": {
        const headers = { ...this.#commonHeaders, "Content-Type": response.contentType, ...response.headers };
        return exchange.stream({ status: response.status, headers }, response.chunks);
      }
      case "hijack":
        return exchange.hijack(
          { "Content-Type": response.contentType, ...this.#commonHeaders },
          response.serve,
        );
      default:
        return response satisfies never;
    }
  }

  #fail(exchange: HttpExchange, error: unknown): void {
    if (exchange.signal.aborted) return;
    const { status, message } = toHttpFailure(error);
    const what = `${exchange.method} ${exchange.url}`;
    if (isBug(error)) this.#log.error(`Handler for ${what} failed`, error);
    else this.#log.debug(`${what} returned ${status}: ${message}`);
    if (exchange.answered) return;
    const body = status === 304 ? "" : `${JSON.stringify({ message })}\n`;
    const type = status === 304 ? {} : { "Content-Type": "application/json" };
    exchange.send(status, { ...this.#commonHeaders, ...type }, body);
  }
}

function splitUrl(url: string): { pathname: string; query: string } {
  const at = url.indexOf("?");
  return at < 0 ? { pathname: url, query: "" } : { pathname: url.slice(0, at), query: url.slice(at + 1) };
}

const pageNotFound = (): EngineError => new EngineError("notFound", "page not found");
