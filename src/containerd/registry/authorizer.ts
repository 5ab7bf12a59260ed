// Answers a registry's challenges: basic credentials, or a bearer token from the token server it names. Tokens are kept per scope.
//
//   GET … -> 401 WWW-Authenticate -> Basic:  Authorization: Basic …
//                                 -> Bearer: GET realm?service&scope [Basic …] -> token -> Authorization: Bearer …

import { type EngineError, systemError } from "#base/errors.ts";
import {
  type Credentials,
  decodeToken,
  formatRegistryError,
  parseRegistryErrors,
} from "#spec/distribution.ts";
import type { Challenge } from "./challenge.ts";
import { type HttpRequest, type HttpTransport, readBody, type Trust } from "./http-transport.ts";
import { TransientError } from "./retry.ts";

type Bearer = Extract<Challenge, { readonly scheme: "bearer" }>;

interface HeldToken {
  readonly token: string;
  readonly expiresAt: number;
}

const CLIENT_ID = "docker";
const MAX_TOKEN_BODY = 1 << 20;

export interface AuthorizerDeps {
  readonly transport: HttpTransport;
  /** For the token server, which has certificates of its own. */
  readonly trustFor: (host: string) => Promise<Trust>;
  readonly credentials: Credentials | undefined;
  /** Milliseconds. */
  readonly now: () => number;
  /** Ask token servers for an identity token, too: a login. */
  readonly offline?: boolean;
}

export class Authorizer {
  readonly #deps: AuthorizerDeps;
  readonly #tokens = new Map<string, HeldToken>();
  #challenge: Challenge | undefined;
  #identityToken = "";

  constructor(deps: AuthorizerDeps) {
    this.#deps = deps;
  }

  /** What the registry asked for; a token is preferred to a password. */
  challenged(challenges: readonly Challenge[]): void {
    this.#challenge =
      challenges.find(({ scheme }) => scheme === "bearer") ?? challenges[0] ?? this.#challenge;
  }

  /** What the token server gave instead of the password; "" if nothing. */
  get identityToken(): string {
    return this.#identityToken;
  }

  /** A token was refused: do not use it again. */
  forget(scopes: readonly string[]): void {
    this.#tokens.delete(scopes.join(" "));
  }

  /** The Authorization header for requests within all of the scopes ("repository:a/b:pull"). */
  async header(scopes: readonly string[], signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const { credentials } = this.#deps;
    if (credentials !== undefined && credentials.registryToken !== "")
      return { Authorization: `Bearer ${credentials.registryToken}` };
    const challenge = this.#challenge;
    if (challenge === undefined) return {};
    if (challenge.scheme === "basic") {
      if (credentials === undefined || credentials.username === "")
        throw systemError("no basic auth credentials");
      return { Authorization: basic(credentials) };
    }
    return { Authorization: `Bearer ${await this.#token(challenge, scopes, signal)}` };
  }

  async #token(challenge: Bearer, scopes: readonly string[], signal: AbortSignal): Promise<string> {
    const key = scopes.join(" ");
    const held = this.#tokens.get(key);
    if (held !== undefined && held.expiresAt > this.#deps.now()) return held.token;
    const { token, expiresIn, refreshToken } = readToken(await this.#askToken(challenge, scopes, signal));
    if (token === "") throw systemError("authorization server did not include a token in the response");
    if (refreshToken !== "") this.#identityToken = refreshToken;
    // Nine tenths of its life, given in seconds: it must not end on its way.
    this.#tokens.set(key, { token, expiresAt: this.#deps.now() + expiresIn * 900 });
    return token;
  }

  async #askToken(challenge: Bearer, scopes: readonly string[], signal: AbortSignal): Promise<string> {
    const { transport, credentials, offline = false } = this.#deps;
    const realm = readRealm(challenge);
    const trust = await this.#deps.trustFor(realm.host);
    const refresh = credentials?.identityToken ?? "";
    const request =
      refresh === ""
        ? tokenRequest(realm, challenge, { scopes, credentials, offline })
        : oauthRequest(realm, challenge, { scopes, refresh });
    const response = await transport.send(request, trust, signal);
    const body = (await readBody(response, MAX_TOKEN_BODY)).toString();
    if (response.statusCode === 200) return body;
    const unauthorized = refresh === "" ? "incorrect username or password" : "authentication required";
    throw refusal(realm, { status: response.statusCode ?? 0, body, unauthorized });
  }
}

function refusal(
  realm: URL,
  {
    status,
    body,
    unauthorized,
  }: Readonly<Record<"body" | "unauthorized", string>> & { readonly status: number },
): EngineError {
  const [error] = parseRegistryErrors(body);
  if (error !== undefined) return systemError(formatRegistryError(error));
  if (status === 401) return systemError(`unauthorized: ${unauthorized}`);
  const message = `received unexpected HTTP status from the token server ${realm.origin}: ${status}`;
  return status >= 500 ? new TransientError(message) : systemError(message);
}

function readToken(body: string): ReturnType<typeof decodeToken> {
  try {
    return decodeToken(JSON.parse(body), "");
  } catch (cause) {
    throw systemError("unable to decode token response", { cause });
  }
}

function readRealm({ realm }: Bearer): URL {
  const url = URL.parse(realm);
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw systemError(`the registry names no token server: invalid realm ${JSON.stringify(realm)}`);
  return url;
}

const basic = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

function tokenRequest(
  realm: URL,
  { service }: Bearer,
  asked: {
    readonly scopes: readonly string[];
    readonly credentials: Credentials | undefined;
    readonly offline: boolean;
  },
): HttpRequest {
  const url = new URL(realm);
  const { scopes, credentials, offline } = asked;
  if (service !== "") url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (offline) {
    url.searchParams.set("offline_token", "true");
    url.searchParams.set("client_id", CLIENT_ID);
  }
  if (credentials === undefined || credentials.username === "") return { method: "GET", url, headers: {} };
  url.searchParams.set("account", credentials.username);
  return { method: "GET", url, headers: { Authorization: basic(credentials) } };
}

function oauthRequest(
  url: URL,
  { service }: Bearer,
  { scopes, refresh }: { readonly scopes: readonly string[]; readonly refresh: string },
): HttpRequest {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    service,
    client_id: CLIENT_ID,
    scope: scopes.join(" "),
    refresh_token: refresh,
  });
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  return { method: "POST", url, headers, body: form.toString() };
}
