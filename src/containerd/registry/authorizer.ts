// Answers a registry's challenges: basic credentials, or a bearer token from the token server it names. Tokens are kept per scope.
//
//   GET /v2/ -> 401 WWW-Authenticate -> Basic:  Authorization: Basic …
//                                    -> Bearer: GET realm?service&scope [Basic …] -> token -> Authorization: Bearer …

import { systemError } from "#base/errors.ts";
import {
  type Credentials,
  decodeToken,
  formatRegistryError,
  parseRegistryErrors,
} from "#spec/distribution.ts";
import type { Challenge } from "./challenge.ts";
import { type HttpTransport, readBody, type Trust } from "./http-transport.ts";

type Bearer = Extract<Challenge, { readonly scheme: "bearer" }>;

interface HeldToken {
  readonly token: string;
  readonly expiresAt: number;
}

const CLIENT_ID = "gantry";
const MAX_TOKEN_BODY = 1 << 20;

export interface AuthorizerDeps {
  readonly transport: HttpTransport;
  readonly trust: Trust;
  readonly credentials: Credentials | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

export class Authorizer {
  readonly #deps: AuthorizerDeps;
  readonly #tokens = new Map<string, HeldToken>();
  #challenge: Challenge | undefined;

  constructor(deps: AuthorizerDeps) {
    this.#deps = deps;
  }

  /** What the registry asked for; a token is preferred to a password. */
  challenged(challenges: readonly Challenge[]): void {
    this.#challenge =
      challenges.find(({ scheme }) => scheme === "bearer") ?? challenges[0] ?? this.#challenge;
  }

  /** A token was refused: do not use it again. */
  forget(scope: string): void {
    this.#tokens.delete(scope);
  }

  /** The Authorization header for requests within the scope ("repository:a/b:pull"). */
  async header(scope: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
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
    return { Authorization: `Bearer ${await this.#token(challenge, scope, signal)}` };
  }

  async #token(challenge: Bearer, scope: string, signal: AbortSignal): Promise<string> {
    const held = this.#tokens.get(scope);
    if (held !== undefined && held.expiresAt > this.#deps.now()) return held.token;
    const { token, expiresIn } = readToken(await this.#askToken(challenge, scope, signal));
    if (token === "") throw systemError("authorization server did not include a token in the response");
    // Nine tenths of its life, given in seconds: it must not end on its way.
    this.#tokens.set(scope, { token, expiresAt: this.#deps.now() + expiresIn * 900 });
    return token;
  }

  async #askToken(challenge: Bearer, scope: string, signal: AbortSignal): Promise<string> {
    const { transport, trust, credentials } = this.#deps;
    const realm = readRealm(challenge);
    const request =
      credentials !== undefined && credentials.identityToken !== ""
        ? oauthRequest(realm, challenge, { scope, refresh: credentials.identityToken })
        : tokenRequest(realm, challenge, { scope, credentials });
    const response = await transport.send(request, trust, signal);
    const body = (await readBody(response, MAX_TOKEN_BODY)).toString();
    if (response.statusCode === 200) return body;
    const [error] = parseRegistryErrors(body);
    throw systemError(
      error === undefined
        ? `unexpected status from token server ${realm.origin}: ${response.statusCode}`
        : formatRegistryError(error),
    );
  }
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
  challenge: Bearer,
  { scope, credentials }: { readonly scope: string; readonly credentials: Credentials | undefined },
): { readonly method: "GET"; readonly url: URL; readonly headers: Readonly<Record<string, string>> } {
  const url = new URL(realm);
  if (challenge.service !== "") url.searchParams.set("service", challenge.service);
  if (scope !== "") url.searchParams.set("scope", scope);
  if (credentials === undefined || credentials.username === "") return { method: "GET", url, headers: {} };
  url.searchParams.set("account", credentials.username);
  return { method: "GET", url, headers: { Authorization: basic(credentials) } };
}

function oauthRequest(
  url: URL,
  challenge: Bearer,
  { scope, refresh }: { readonly scope: string; readonly refresh: string },
): {
  readonly method: "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    service: challenge.service,
    client_id: CLIENT_ID,
    scope,
    refresh_token: refresh,
  });
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  return { method: "POST", url, headers, body: form.toString() };
}
