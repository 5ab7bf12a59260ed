// The REST API over an HTTP exchange:
//   exchange -> version prefix -> route -> authorization -> handle(call) -> authorization of the answer -> answer
// A failure on the way becomes {"message": text} with the status of src/api/failures.ts.

import { type Duplex, PassThrough } from "node:stream";
import { EngineError } from "#base/errors.ts";
import type { HttpExchange } from "#transport/http/exchange.ts";
import type { AuthorizedRequest, Authorizer } from "./authorization/authorizer.ts";
import { BodyBudget, type BodySource, readJsonBody } from "./body.ts";
import { isBug, toHttpFailure } from "./failures.ts";
import { type Match, Matcher } from "./matcher.ts";
import type { ApiCall, ApiResponse, Route } from "./router.ts";
import { checkVersion, isAncient, splitVersion, type VersionRange, versionRange } from "./version.ts";

export interface ApiServerDeps {
  readonly routes: readonly Route[];
  /** For the Server header: "0.1.0". */
  readonly version: string;
  readonly experimental?: boolean;
  /** "" is the oldest that there is. */
  readonly minApiVersion?: string;
  readonly authorizer?: Pick<Authorizer, "admit">;
  /** Told of every request that was handled, with the seconds that it took. */
  readonly observe?: (route: Route, seconds: number) => void;
  readonly log: {
    debug(message: string): void;
    error(message: string, error: unknown): void;
  };
}

export class ApiServer {
  readonly #matcher: Matcher;
  readonly #deps: ApiServerDeps;
  readonly #budget = new BodyBudget();
  readonly #versions: VersionRange;
  readonly #commonHeaders: Readonly<Record<string, string>>;

  constructor(deps: ApiServerDeps) {
    this.#matcher = new Matcher(deps.routes);
    this.#deps = deps;
    this.#versions = versionRange(deps.minApiVersion ?? "");
    this.#commonHeaders = {
      "Api-Version": this.#versions.max,
      "Docker-Experimental": String(deps.experimental ?? false),
      Ostype: "linux",
      Server: `Gantry/${deps.version} (linux)`,
    };
  }

  /** Answers one exchange; never rejects. */
  async serve(exchange: HttpExchange): Promise<void> {
    try {
      await this.#dispatch(exchange);
    } catch (error) {
      this.#fail(exchange, error);
      exchange.abandon();
    }
    exchange.discardBody();
  }

  async #dispatch(exchange: HttpExchange): Promise<void> {
    const { pathname, query } = splitUrl(exchange.url);
    const { minor, path, version } = splitVersion(pathname);
    if (exchange.method === "OPTIONS") return exchange.send(200, this.#commonHeaders, "");
    const match = this.#matcher.find(exchange.method, path, minor);
    if (match === undefined) throw pageNotFound();
    const admitted = await this.#deps.authorizer?.admit(exchange, this.#budget);
    checkVersion(version, this.#versions);
    const source = bodySource(exchange, admitted?.body);
    const call: ApiCall = {
      params: match.params,
      query: new URLSearchParams(query),
      headers: exchange.headers,
      version: { minor },
      body: source.body,
      json: () => readJsonBody(source, this.#budget),
      signal: exchange.signal,
    };
    await this.#answer(exchange, await this.#handle(match, call, admitted), admitted);
  }

  async #handle(
    { route }: Match,
    call: ApiCall,
    admitted: AuthorizedRequest | undefined,
  ): Promise<ApiResponse> {
    const started = performance.now();
    try {
      return await route.handle(call);
    } catch (error) {
      const { status } = toHttpFailure(error);
      // The plugins hear of it; what they say changes nothing: it has failed already.
      await admitted?.answer({ ResponseStatusCode: status, ResponseHeaders: {} }).catch(() => undefined);
      throw error;
    } finally {
      this.#deps.observe?.(route, (performance.now() - started) / 1000);
    }
  }

  async #answer(
    exchange: HttpExchange,
    response: ApiResponse,
    admitted: AuthorizedRequest | undefined,
  ): Promise<void> {
    const { status, headers, body } = headOf(response, exchange.wantsUpgrade);
    try {
      await admitted?.answer({
        ResponseStatusCode: status,
        ResponseHeaders: headers,
        ...((response.kind === "json" || response.kind === "encoded") && {
          ResponseBody: Buffer.from(body).toString("base64"),
        }),
      });
    } catch (error) {
      if (response.kind === "hijack" || response.kind === "websocket") await endUnserved(response.serve);
      throw error;
    }
    const all = { ...this.#commonHeaders, ...headers };
    switch (response.kind) {
      case "empty":
      case "json":
      case "encoded":
      case "text":
        return exchange.send(status, all, body);
      case "stream":
        return exchange.stream(
          { status, headers: all, ...(response.givenAway === true && { givenAway: true }) },
          response.chunks,
        );
      case "hijack":
        return exchange.hijack({ ...headers, ...this.#commonHeaders }, response.serve);
      case "websocket":
        return exchange.websocket(this.#commonHeaders, { text: response.text }, response.serve);
      default:
        return response satisfies never;
    }
  }

  #fail(exchange: HttpExchange, error: unknown): void {
    if (exchange.signal.aborted) return;
    const { status, message } = toHttpFailure(error);
    const what = `${exchange.method} ${withoutSecrets(exchange.url)}`;
    if (isBug(error)) this.#deps.log.error(`Handler for ${what} failed`, error);
    else this.#deps.log.debug(`${what} returned ${status}: ${message}`);
    if (exchange.answered) return;
    if (status === 304) exchange.send(status, this.#commonHeaders, "");
    else if (isAncient(exchange.url))
      exchange.send(status, { ...this.#commonHeaders, ...plainText }, `${message}\n`);
    else
      exchange.send(
        status,
        { ...this.#commonHeaders, "Content-Type": "application/json" },
        `${JSON.stringify({ message })}\n`,
      );
  }
}

/** What stands ready for a connection finds that it is gone. */
async function endUnserved(serve: (stream: Duplex) => Promise<void>): Promise<void> {
  const gone = new PassThrough();
  gone.destroy();
  await serve(gone).catch(() => undefined);
}

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function headOf(response: ApiResponse, wantsUpgrade: boolean): Head {
  switch (response.kind) {
    case "empty":
      return { status: response.status, headers: { ...response.headers }, body: "" };
    case "json":
      return {
        status: response.status,
        headers: { "Content-Type": "application/json", ...response.headers },
        body: `${JSON.stringify(response.value)}\n`,
      };
    case "encoded":
      return {
        status: response.status,
        headers: { "Content-Type": "application/json" },
        body: `${response.text}\n`,
      };
    case "text":
      return {
        status: response.status,
        headers: { "Content-Type": "text/plain; charset=utf-8", ...response.headers },
        body: response.text,
      };
    case "stream":
      return {
        status: response.status,
        headers: { "Content-Type": response.contentType, ...response.headers },
        body: "",
      };
    case "hijack":
      return {
        status: wantsUpgrade ? 101 : 200,
        headers: { "Content-Type": response.contentType },
        body: "",
      };
    case "websocket":
      return { status: 101, headers: {}, body: "" };
    default:
      return response satisfies never;
  }
}

/** A body that the plugins were shown is given to the handler from memory: it is the same, to the byte. */
function bodySource(exchange: HttpExchange, read: Uint8Array | undefined): BodySource {
  if (read === undefined) return exchange;
  const body = async function* () {
    yield read;
  };
  return {
    headers: exchange.headers,
    bodyLength: exchange.bodyLength === undefined ? undefined : read.length,
    body: body(),
  };
}

const plainText = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };

/** Build arguments and the like may stand in the query. */
const withoutSecrets = (url: string): string => url.replace(/([?&]buildargs=)[^&]*/g, "$1…");

function splitUrl(url: string): { pathname: string; query: string } {
  const at = url.indexOf("?");
  return at < 0 ? { pathname: url, query: "" } : { pathname: url.slice(0, at), query: url.slice(at + 1) };
}

const pageNotFound = (): EngineError => new EngineError("notFound", "page not found");
