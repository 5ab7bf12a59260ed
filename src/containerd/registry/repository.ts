// One repository of one registry: its manifests and blobs. Made for one pull.

import type { IncomingMessage } from "node:http";
import { EngineError, systemError } from "#base/errors.ts";
import { digestOf, isDigest } from "#formats/digest.ts";
import { canonicalName, type Reference } from "#formats/reference.ts";
import { decodeTags } from "#spec/distribution.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import type { Authorizer } from "./authorizer.ts";
import { parseChallenges } from "./challenge.ts";
import type { Endpoint } from "./endpoints.ts";
import { type HttpTransport, readBody, type Trust } from "./http-transport.ts";
import { MAX_CONFIG, MAX_MANIFEST } from "./manifest.ts";
import { registryFailure } from "./registry-failure.ts";

export interface RepositoryDeps {
  readonly transport: HttpTransport;
  readonly trust: Trust;
  readonly authorizer: Authorizer;
  readonly endpoint: Endpoint;
}

/** A blob's bytes from `offset` on, which may be less than asked for. */
export interface BlobStream {
  readonly offset: number;
  readonly body: AsyncIterable<unknown>;
}

const MAX_TAG_PAGES = 100;

const ACCEPT = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  mediaTypes.dockerSchema1Signed,
].join(", ");

export class Repository {
  readonly reference: Reference;
  readonly #deps: RepositoryDeps;

  constructor(deps: RepositoryDeps, reference: Reference) {
    this.#deps = deps;
    this.reference = reference;
  }

  /** "127.0.0.1:5000", for labels that say where content came from. */
  get host(): string {
    return this.#deps.endpoint.host;
  }

  /** Asks the registry who it is and what it wants to see. Rejects when nothing answers there. */
  async ping(signal: AbortSignal): Promise<void> {
    const { transport, trust, endpoint, authorizer } = this.#deps;
    const url = new URL(`${endpoint.base}/v2/`);
    const response = await transport.send({ method: "GET", url, headers: {} }, trust, signal);
    authorizer.challenged(parseChallenges(response.headers["www-authenticate"] ?? ""));
    await readBody(response, MAX_MANIFEST);
  }

  /** What the tag or digest stands for, if the registry says so without sending it. */
  async findManifest(tagOrDigest: string, signal: AbortSignal): Promise<Descriptor | undefined> {
    const response = await this.#send("HEAD", `manifests/${tagOrDigest}`, { Accept: ACCEPT }, signal);
    response.resume();
    const digest = response.headers["docker-content-digest"];
    const mediaType = mediaTypeOf(response);
    const size = Number(response.headers["content-length"]);
    if (response.statusCode !== 200 || typeof digest !== "string" || !isDigest(digest)) return undefined;
    return mediaType === "" || !Number.isSafeInteger(size) ? undefined : { mediaType, digest, size };
  }

  /** The manifest's bytes, checked against the digest if it was asked for by digest. */
  async getManifest(
    tagOrDigest: string,
    signal: AbortSignal,
  ): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer }> {
    const response = await this.#send("GET", `manifests/${tagOrDigest}`, { Accept: ACCEPT }, signal);
    if (response.statusCode !== 200) throw await registryFailure(response, this.reference);
    const bytes = await readBody(response, MAX_MANIFEST);
    const digest = digestOf(bytes);
    if (isDigest(tagOrDigest) && digest !== tagOrDigest)
      throw systemError(`manifest verification failed for digest ${tagOrDigest}`);
    return { bytes, descriptor: { mediaType: mediaTypeOf(response), digest, size: bytes.length } };
  }

  /** A small blob, checked against its digest. */
  async getDocument(digest: string, signal: AbortSignal): Promise<Buffer> {
    const response = await this.#send("GET", `blobs/${digest}`, {}, signal);
    if (response.statusCode !== 200) throw await registryFailure(response, this.reference);
    const bytes = await readBody(response, MAX_CONFIG);
    if (digestOf(bytes) !== digest)
      throw systemError(`image config verification failed for digest ${digest}`);
    return bytes;
  }

  /** All tags, page by page, up to a limit. */
  async listTags(signal: AbortSignal): Promise<readonly string[]> {
    const tags: string[] = [];
    let path = "tags/list";
    for (let pages = 0; pages < MAX_TAG_PAGES; pages++) {
      const response = await this.#send("GET", path, {}, signal);
      if (response.statusCode !== 200) throw await registryFailure(response, this.reference);
      tags.push(...decodeTags(JSON.parse((await readBody(response, MAX_MANIFEST)).toString()), ""));
      const next = /<[^>]*\?([^>]*)>;\s*rel="?next"?/.exec(String(response.headers.link ?? ""))?.[1];
      if (next === undefined) break;
      path = `tags/list?${next}`;
    }
    return tags;
  }

  async openBlob(digest: string, offset: number, signal: AbortSignal): Promise<BlobStream> {
    const range: Readonly<Record<string, string>> = offset === 0 ? {} : { Range: `bytes=${offset}-` };
    const headers = { "Accept-Encoding": "identity", ...range };
    const response = await this.#send("GET", `blobs/${digest}`, headers, signal);
    if (response.statusCode === 206 && contentRangeStart(response) === offset)
      return { offset, body: response };
    if (response.statusCode === 200) return { offset: 0, body: response };
    if (response.statusCode === 206 || response.statusCode === 416) {
      response.destroy();
      return offset === 0 ? await this.#refuse(response) : await this.openBlob(digest, 0, signal);
    }
    throw await registryFailure(response, this.reference);
  }

  async #refuse(response: IncomingMessage): Promise<never> {
    throw systemError(`received unexpected HTTP status: ${response.statusCode} ${response.statusMessage}`);
  }

  async #send(
    method: "GET" | "HEAD",
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { transport, trust, endpoint, authorizer } = this.#deps;
    const url = new URL(`${endpoint.base}/v2/${this.reference.path}/${path}`);
    const scope = `repository:${this.reference.path}:pull`;
    const attempt = async (): Promise<IncomingMessage> => {
      const authorization = await authorizer
        .header(scope, signal)
        .catch((error: unknown) => rethrowAt(method, url, error));
      return await transport.send({ method, url, headers: { ...headers, ...authorization } }, trust, signal);
    };
    const first = await attempt();
    const challenge = first.headers["www-authenticate"];
    if (first.statusCode !== 401 || challenge === undefined) return first;
    // The token was too old or of another scope, or the registry asks only now.
    await readBody(first, MAX_MANIFEST);
    authorizer.challenged(parseChallenges(challenge));
    authorizer.forget(scope);
    return await attempt();
  }
}

/** `Head "URL": no basic auth credentials` */
function rethrowAt(method: string, url: URL, error: unknown): never {
  if (!(error instanceof EngineError) || error.message.includes('"')) throw error;
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  throw new EngineError(error.kind, `${verb} "${url.href}": ${error.message}`, { cause: error });
}

const mediaTypeOf = (response: IncomingMessage): string =>
  (response.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";

function contentRangeStart(response: IncomingMessage): number | undefined {
  const found = /^bytes ([0-9]+)-/.exec(response.headers["content-range"] ?? "");
  return found === null ? undefined : Number(found[1]);
}

/** The label that tells from which repositories a blob can be had. */
export const sourceLabel = (repository: Repository): Readonly<Record<string, string>> => ({
  [`containerd.io/distribution.source.${canonicalName(repository.reference).split("/")[0] ?? ""}`]:
    repository.reference.path,
});
