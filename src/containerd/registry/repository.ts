// One repository of one registry, read: its manifests and blobs. Made for one pull.

import type { IncomingMessage } from "node:http";
import { systemError } from "#base/errors.ts";
import { digestOf, isDigest } from "#formats/digest.ts";
import type { Reference } from "#formats/reference.ts";
import { decodeTags } from "#spec/distribution.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import type { RegistryConnection } from "./connection.ts";
import { readBody } from "./http-transport.ts";
import { MAX_CONFIG, MAX_MANIFEST } from "./manifest.ts";
import { pullRefused, registryFailure } from "./registry-failure.ts";

/** A blob's bytes from `offset` on, which may be less than asked for. */
export interface BlobStream {
  readonly offset: number;
  readonly body: IncomingMessage;
}

const MAX_TAG_PAGES = 100;

/** All that a manifest may be. */
export const MANIFEST_ACCEPT = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  mediaTypes.dockerSchema1Signed,
].join(", ");

export class Repository {
  readonly reference: Reference;
  readonly #connection: RegistryConnection;

  constructor(connection: RegistryConnection, reference: Reference) {
    this.#connection = connection;
    this.reference = reference;
  }

  /** What the tag or digest stands for, if the registry says so without sending it. */
  async findManifest(tagOrDigest: string, signal: AbortSignal): Promise<Descriptor | undefined> {
    const response = await this.#send(
      "HEAD",
      `manifests/${tagOrDigest}`,
      { Accept: MANIFEST_ACCEPT },
      signal,
    );
    response.resume();
    if (response.statusCode === 429 && response.headers["retry-after"] !== undefined)
      throw await this.#refusal(response);
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
    const response = await this.#send("GET", `manifests/${tagOrDigest}`, { Accept: MANIFEST_ACCEPT }, signal);
    if (response.statusCode !== 200) throw await this.#refusal(response);
    const bytes = await readBody(response, MAX_MANIFEST);
    const digest = digestOf(bytes);
    if (isDigest(tagOrDigest) && digest !== tagOrDigest)
      throw systemError(`manifest verification failed for digest ${tagOrDigest}`);
    return { bytes, descriptor: { mediaType: mediaTypeOf(response), digest, size: bytes.length } };
  }

  /** A small blob, checked against its digest. */
  async getDocument(digest: string, signal: AbortSignal): Promise<Buffer> {
    const response = await this.#send("GET", `blobs/${digest}`, {}, signal);
    if (response.statusCode !== 200) throw await this.#refusal(response);
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
      if (response.statusCode !== 200) throw await this.#refusal(response);
      tags.push(...parseTags((await readBody(response, MAX_MANIFEST)).toString()));
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
    throw await this.#refusal(response);
  }

  async #refuse(response: IncomingMessage): Promise<never> {
    throw systemError(`received unexpected HTTP status: ${response.statusCode} ${response.statusMessage}`);
  }

  #refusal(response: IncomingMessage): Promise<Error> {
    return registryFailure(response, pullRefused(this.reference));
  }

  #send(
    method: "GET" | "HEAD",
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const name = this.reference.path;
    const scopes = [`repository:${name}:pull`];
    return this.#connection.send({ method, at: `${name}/${path}`, headers, scopes }, signal);
  }
}

function parseTags(body: string): readonly string[] {
  try {
    return decodeTags(JSON.parse(body), "");
  } catch (cause) {
    throw systemError("the registry's list of tags cannot be read", { cause });
  }
}

export const mediaTypeOf = (response: IncomingMessage): string =>
  (response.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";

function contentRangeStart(response: IncomingMessage): number | undefined {
  const found = /^bytes ([0-9]+)-/.exec(response.headers["content-range"] ?? "");
  return found === null ? undefined : Number(found[1]);
}
