// A registry in this process whose answers a test can spoil.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { digestOf } from "#formats/digest.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import { type LayerEntry, makeArchive } from "./unpacker.ts";

export interface Answer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** "/v2/app/blobs/sha256:…" without its query. */
  readonly path: string;
}

interface Document {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export class FakeRegistry implements AsyncDisposable {
  readonly requests: string[] = [];
  /** Bytes of documents and blobs that were answered. */
  sent = 0;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #blobs = new Map<string, Buffer>();
  readonly #manifests = new Map<string, Document>();
  /** True: the test has answered. */
  intercept: (answer: Answer) => boolean = () => false;

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  /** "127.0.0.1:41234" */
  get address(): string {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the registry does not listen");
    return `127.0.0.1:${address.port}`;
  }

  /** Requests to blobs, "GET sha256:…" each, with the range asked for. */
  get blobRequests(): readonly string[] {
    return this.requests.filter((request) => request.includes("/blobs/"));
  }

  addBlob(bytes: Buffer, mediaType = "application/octet-stream"): Descriptor {
    const digest = digestOf(bytes);
    this.#blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  blob(digest: string): Buffer {
    return this.#blobs.get(digest) ?? Buffer.alloc(0);
  }

  /** Other bytes under a digest than it promises. */
  spoilBlob(digest: string, bytes: Buffer): void {
    this.#blobs.set(digest, bytes);
  }

  /** `bytes`: its JSON in another form than the usual one. */
  addManifest(
    tag: string,
    mediaType: string,
    value: unknown,
    bytes = Buffer.from(JSON.stringify(value)),
  ): Descriptor {
    const digest = digestOf(bytes);
    for (const name of [tag, digest]) this.#manifests.set(name, { mediaType, bytes });
    return { mediaType, digest, size: bytes.length };
  }

  /** An image of layers with these entries. */
  addImage(
    tag: string,
    layers: readonly (readonly LayerEntry[])[],
    platform = { os: "linux", architecture: "amd64" },
  ) {
    const archives = layers.map((entries) => makeArchive(entries));
    const blobs = archives.map((archive) => this.addBlob(gzipSync(archive), `${mediaTypes.ociLayer}+gzip`));
    const config = {
      ...platform,
      rootfs: { type: "layers", diff_ids: archives.map(digestOf) },
      config: { Cmd: ["true"] },
    };
    const descriptor = this.addBlob(Buffer.from(JSON.stringify(config)), mediaTypes.ociConfig);
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: descriptor,
      layers: blobs,
    };
    return {
      manifest: this.addManifest(tag, mediaTypes.ociManifest, manifest),
      config: descriptor,
      layers: blobs,
      document: manifest,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const range = request.headers.range;
    this.requests.push(`${request.method} ${path}${range === undefined ? "" : ` ${range}`}`);
    if (this.intercept({ request, response, path })) return;
    if (path === "/v2/") response.end("{}");
    else if (path.includes("/manifests/"))
      this.#manifest(request, path.slice(path.lastIndexOf("/") + 1), response);
    else this.#blob(path.slice(path.lastIndexOf("/") + 1), range, response);
  }

  #manifest({ method }: IncomingMessage, name: string, response: ServerResponse): void {
    const found = this.#manifests.get(name);
    if (found === undefined) {
      refuse(response, "MANIFEST_UNKNOWN");
      return;
    }
    response.writeHead(200, {
      "Content-Type": found.mediaType,
      "Content-Length": found.bytes.length,
      "Docker-Content-Digest": digestOf(found.bytes),
    });
    if (method === "GET") this.sent += found.bytes.length;
    response.end(found.bytes);
  }

  #blob(digest: string, range: string | undefined, response: ServerResponse): void {
    const bytes = this.#blobs.get(digest);
    if (bytes === undefined) {
      refuse(response, "BLOB_UNKNOWN");
      return;
    }
    const start = Number(/^bytes=([0-9]+)-$/.exec(range ?? "")?.[1] ?? 0);
    const part = bytes.subarray(start);
    const ranged = { "Content-Range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(start > 0 ? 206 : 200, { "Content-Length": part.length, ...(start > 0 && ranged) });
    this.sent += part.length;
    response.end(part);
  }
}

export function refuse(
  response: ServerResponse,
  code: string,
  status = 404,
  message = code.toLowerCase().replaceAll("_", " "),
): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}
