// A registry asked by a client of its own, without a daemon, as Docker's client does for `docker manifest`: which addresses, in
// which order, and in which words it fails.
//
//   for each address: GET /v2/ ---- HTTP where TLS was spoken -> the next one, or nothing is there
//                              ---- nothing answers -> the end
//                     GET manifests/T ---- unauthorized, unknown -> the next one
//                                     ---- else refused -> the end

import type { IncomingMessage } from "node:http";
import { EngineError, isKind, systemError } from "#base/errors.ts";
import { digestOf, isDigest } from "#formats/digest.ts";
import { formatReference, type Reference } from "#formats/reference.ts";
import { type Credentials, formatRegistryError, parseRegistryErrors } from "#spec/distribution.ts";
import { type RegistryConnection, UnreachableError } from "./connection.ts";
import { type Endpoint, planEndpoints, type RegistryConfig } from "./endpoints.ts";
import { readBody } from "./http-transport.ts";
import { MAX_CONFIG, MAX_MANIFEST } from "./manifest.ts";
import type { ProxyFor } from "./proxies.ts";
import { Registries } from "./registries.ts";
import { MANIFEST_ACCEPT, mediaTypeOf } from "./repository.ts";

interface ManifestDocument {
  readonly mediaType: string;
  readonly text: string;
}

interface ManifestSource {
  getManifest(tagOrDigest: string, signal: AbortSignal): Promise<ManifestDocument>;
  getBlob(digest: string, signal: AbortSignal): Promise<Buffer>;
}

export interface ManifestAccessOptions {
  /** HTTP, and TLS that is not verified, will do. */
  readonly insecure: boolean;
  readonly credentials: Credentials;
  readonly certsDirs: readonly string[];
  readonly userAgent: string;
  readonly proxyFor: ProxyFor;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Refusals after which another address may know more. */
const PASSED_OVER = new Set(["UNAUTHORIZED", "MANIFEST_UNKNOWN", "NAME_UNKNOWN"]);

const isPlainHttp = (error: unknown): boolean =>
  error instanceof UnreachableError && error.message.endsWith("server gave HTTP response to HTTPS client");

export class ManifestAccess implements Disposable {
  readonly #options: ManifestAccessOptions;
  readonly #registries: Registries;

  constructor(options: ManifestAccessOptions) {
    this.#options = options;
    const registries = this.#config([]);
    this.#registries = new Registries({ ...options, registries });
  }

  [Symbol.dispose](): void {
    this.#registries[Symbol.dispose]();
  }

  /** Without `insecure` nothing is read by HTTP, not even on loopback. */
  async ask<T>(
    reference: Reference,
    ask: (source: ManifestSource) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    for (const endpoint of this.#endpoints(reference)) {
      if (endpoint.api.startsWith("http:") && !this.#options.insecure) continue;
      try {
        const connection = await this.#open(reference, endpoint, signal);
        return await ask(new RepositorySource(connection, reference));
      } catch (error) {
        if (!isPlainHttp(error) && !isKind(error, "notFound")) throw error;
      }
    }
    throw new EngineError("notFound", `no such manifest: ${formatReference(reference)}`);
  }

  async putManifest(reference: Reference, document: ManifestDocument, signal: AbortSignal): Promise<string> {
    const connection = await this.#openForPush(reference, signal);
    const { path, tag = digestOf(Buffer.from(document.text)) } = reference;
    const response = await connection.send(
      {
        method: "PUT",
        at: `${path}/manifests/${tag}`,
        headers: { "Content-Type": document.mediaType },
        body: Buffer.from(document.text),
        scopes: pushScopes(path),
      },
      signal,
    );
    const refused = await refusalOf(response, [200, 201, 202]);
    if (refused !== undefined)
      throw systemError(`failed to put manifest ${formatReference(reference)}: ${refused.message}`, {
        cause: refused,
      });
    return String(response.headers["docker-content-digest"] ?? "");
  }

  async mountBlob(
    reference: Reference,
    { from, digest }: { readonly from: string; readonly digest: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const connection = await this.#openForPush(reference, signal);
    const { path } = reference;
    const scopes = [...pushScopes(path), `repository:${from}:pull`];
    const query = new URLSearchParams({ from, mount: digest });
    const at = `${path}/blobs/uploads/?${query}`;
    const response = await connection.send({ method: "POST", at, headers: {}, scopes }, signal);
    const refused = await refusalOf(response, [201, 202]);
    const name = formatReference(reference);
    if (refused !== undefined)
      throw systemError(`failed to mount blob ${from}@${digest} to ${name}: ${refused.message}`, {
        cause: refused,
      });
    if (response.statusCode === 201) return true;
    await cancelUpload(connection, response, scopes, signal);
    return false;
  }

  #config(insecureRegistries: readonly string[]): RegistryConfig {
    return { insecureRegistries, mirrors: [], certsDirs: this.#options.certsDirs };
  }

  #endpoints({ domain }: Reference): readonly Endpoint[] {
    return planEndpoints(domain, this.#config(this.#options.insecure ? [domain] : []));
  }

  async #open(reference: Reference, endpoint: Endpoint, signal: AbortSignal): Promise<RegistryConnection> {
    const { credentials } = this.#options;
    const access = { domain: reference.domain, capability: "pull", credentials } as const;
    const { connection } = await this.#registries.open(access, endpoint);
    await connection.hello(signal).catch((error: unknown) => {
      throw error instanceof UnreachableError ? unpinged(error) : error;
    });
    return connection;
  }

  /** The best address. On loopback that is HTTP; else it is asked by HTTP if it is insecure and does not speak TLS. */
  async #openForPush(reference: Reference, signal: AbortSignal): Promise<RegistryConnection> {
    const [loopback] = planEndpoints(reference.domain, this.#config([])).filter(({ api }) =>
      api.startsWith("http:"),
    );
    if (loopback !== undefined) return await this.#open(reference, loopback, signal);
    const [first, second] = this.#endpoints(reference);
    if (first === undefined) throw systemError(`no endpoints found for ${reference.domain}`);
    try {
      return await this.#open(reference, first, signal);
    } catch (error) {
      if (second === undefined || !isPlainHttp(error)) throw error;
      return await this.#open(reference, second, signal);
    }
  }
}

const unpinged = (cause: UnreachableError): UnreachableError =>
  new UnreachableError(
    cause.kind,
    `failed to configure transport: error pinging v2 registry: ${cause.message}`,
    { cause },
  );

const pushScopes = (path: string): readonly string[] => [`repository:${path}:pull,push`];

class RepositorySource implements ManifestSource {
  readonly #connection: RegistryConnection;
  readonly #path: string;

  constructor(connection: RegistryConnection, { path }: Reference) {
    this.#connection = connection;
    this.#path = path;
  }

  async getManifest(tagOrDigest: string, signal: AbortSignal): Promise<ManifestDocument> {
    const response = await this.#get(`manifests/${tagOrDigest}`, { Accept: MANIFEST_ACCEPT }, signal);
    const body = await readBody(response, MAX_MANIFEST);
    if (response.statusCode !== 200) throw refusal(response, body.toString());
    if (isDigest(tagOrDigest) && digestOf(body) !== tagOrDigest)
      throw systemError(`manifest verification failed for digest ${tagOrDigest}`);
    return { mediaType: mediaTypeOf(response), text: body.toString() };
  }

  async getBlob(digest: string, signal: AbortSignal): Promise<Buffer> {
    const response = await this.#get(`blobs/${digest}`, {}, signal);
    const body = await readBody(response, MAX_CONFIG);
    if (response.statusCode === 404) throw systemError("unknown blob");
    if (response.statusCode !== 200) throw refusal(response, body.toString());
    if (digestOf(body) === digest) return body;
    throw systemError(`image config verification failed for digest ${digest}`);
  }

  #get(at: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    const scopes = [`repository:${this.#path}:pull`];
    return this.#connection.send({ method: "GET", at: `${this.#path}/${at}`, headers, scopes }, signal);
  }
}

/** "notFound" is what another address may know. */
function refusal({ statusCode, statusMessage }: IncomingMessage, body: string): EngineError {
  const [error] = parseRegistryErrors(body);
  if (error === undefined)
    return new EngineError("notFound", `received unexpected HTTP status: ${statusCode} ${statusMessage}`);
  return new EngineError(PASSED_OVER.has(error.code) ? "notFound" : "system", formatRegistryError(error));
}

/** undefined if the answer is one of the good ones; the body is read. */
async function refusalOf(
  response: IncomingMessage,
  good: readonly number[],
): Promise<EngineError | undefined> {
  const body = (await readBody(response, MAX_MANIFEST)).toString();
  return good.includes(response.statusCode ?? 0) ? undefined : refusal(response, body);
}

async function cancelUpload(
  connection: RegistryConnection,
  { headers }: IncomingMessage,
  scopes: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const session = URL.parse(headers.location ?? "", connection.endpoint.api);
  if (session === null) return;
  const response = await connection.send({ method: "DELETE", at: session, headers: {}, scopes }, signal);
  response.resume();
}
