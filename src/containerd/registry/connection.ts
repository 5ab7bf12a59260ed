// One registry at one address: requests with what the registry wants to see, asked for once and remembered.

import type { IncomingMessage } from "node:http";
import { EngineError, systemError } from "#base/errors.ts";
import type { Authorizer } from "./authorizer.ts";
import { parseChallenges } from "./challenge.ts";
import type { Endpoint } from "./endpoints.ts";
import { type HttpRequest, type HttpTransport, readBody, type Trust } from "./http-transport.ts";
import { NetworkError } from "./network-error.ts";

export interface ConnectionDeps {
  readonly transport: HttpTransport;
  readonly trust: Trust;
  readonly authorizer: Authorizer;
  readonly endpoint: Endpoint;
}

export interface RegistryRequest extends Pick<HttpRequest, "method" | "headers" | "body"> {
  /** Below the API's root ("team/app/tags/list"), or where the registry said itself. */
  readonly at: string | URL;
  /** What the request needs to be allowed: "repository:team/app:pull". */
  readonly scopes: readonly string[];
  /** What is wrong with the credentials is told without the request: as dockerd does for pushes. */
  readonly bare?: boolean;
}

const MAX_CHALLENGE_BODY = 64 << 10;

export class RegistryConnection {
  readonly endpoint: Endpoint;
  readonly #deps: ConnectionDeps;
  #answered = false;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.endpoint = deps.endpoint;
  }

  /** Asks whether anything answers here, and what it wants to see. Rejects UnreachableError. */
  async hello(signal: AbortSignal): Promise<void> {
    const response = await this.#deliver(
      { method: "GET", url: this.#url(""), headers: this.endpoint.headers },
      signal,
    );
    await readBody(response, MAX_CHALLENGE_BODY);
    this.#deps.authorizer.challenged(parseChallenges(response.headers["www-authenticate"] ?? ""));
  }

  /** The answer, whatever its status. Where nothing answers, the words are those of Docker's first request. */
  async send(request: RegistryRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { authorizer } = this.#deps;
    const first = await this.#attempt(request, signal);
    const challenge = first.headers["www-authenticate"];
    if (first.statusCode !== 401 || challenge === undefined) return first;
    // Nothing was shown yet, or the token was too old or of another scope.
    await readBody(first, MAX_CHALLENGE_BODY);
    authorizer.challenged(parseChallenges(challenge));
    authorizer.forget(request.scopes);
    return await this.#attempt(request, signal);
  }

  async #attempt(request: RegistryRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { authorizer, endpoint } = this.#deps;
    const { method, scopes, body, bare = false } = request;
    const url = this.#url(request.at);
    // What an upload's location on another host may see is in its address.
    const own = url.host === new URL(endpoint.api).host;
    const authorization = own
      ? await authorizer.header(scopes, signal).catch((error: unknown) => {
          throw bare ? error : at(method, url, error);
        })
      : {};
    const headers = { ...(own && endpoint.headers), ...request.headers, ...authorization };
    return await this.#deliver({ method, url, headers, ...(body !== undefined && { body }) }, signal);
  }

  async #deliver(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { transport, trust, endpoint } = this.#deps;
    try {
      const response = await transport.send(request, trust, signal);
      this.#answered = true;
      return response;
    } catch (error) {
      if (this.#answered || !(error instanceof NetworkError)) throw error;
      throw unreachable(endpoint, error);
    }
  }

  #url(at: string | URL): URL {
    if (at instanceof URL) return at;
    const { api, namespace } = this.endpoint;
    const url = new URL(at === "" ? `${api}/` : `${api}/${at}`);
    if (namespace !== undefined) url.searchParams.set("ns", namespace);
    return url;
  }
}

/** Nothing that speaks the protocol is at the endpoint. */
export class UnreachableError extends EngineError {}

const unreachable = ({ api }: Endpoint, cause: NetworkError): UnreachableError =>
  new UnreachableError("system", `Get "${api}/": ${cause.why}`, { cause });

/** `Head "URL": no basic auth credentials` */
function at(method: string, url: URL, error: unknown): unknown {
  if (!(error instanceof EngineError) || error.message.includes('"')) return error;
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return systemError(`${verb} "${url.href}": ${error.message}`, { cause: error });
}
