// Uploads to a fake registry, as the OCI distribution specification describes them, with faults on demand.

import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { digestOf } from "#formats/digest.ts";
import { type Answer, type FakeRegistry, refuse } from "./fake-registry.ts";

/** Lets the registry be written to; no repository has blobs but those that were sent there. */
export function acceptUploads(registry: FakeRegistry): Uploads {
  const uploads = new Uploads(registry);
  registry.intercept = (answer) => uploads.answer(answer);
  return uploads;
}

class Uploads {
  /** Connections that are cut after so many bytes of a body, one for each entry. */
  readonly cutAfter: number[] = [];
  /** What becomes of a session when its connection breaks: it is forgotten, or its bytes are others. */
  fault: "forgets" | "spoils" | undefined;
  /** Bytes of blobs that came. */
  received = 0;
  /** Manifests by "path:tag" and "path@digest". */
  readonly manifests = new Map<string, Buffer>();
  /** Digests by repository. */
  readonly blobs = new Map<string, Set<string>>();
  readonly #registry: FakeRegistry;
  readonly #sessions = new Map<string, Buffer>();

  constructor(registry: FakeRegistry) {
    this.#registry = registry;
  }

  /** False for what the registry answers itself. */
  answer(answer: Answer): boolean {
    const { request, response, path } = answer;
    const [, name = "", digest = ""] = /^\/v2\/(.+)\/blobs\/(sha256:.+)$/.exec(path) ?? [];
    if (path.includes("/blobs/uploads/")) void this.#upload(answer);
    else if (request.method === "PUT") void this.#putManifest(answer);
    else if (request.method === "HEAD" && name !== "" && !this.#repository(name).has(digest))
      refuse(response, "BLOB_UNKNOWN");
    else return false;
    return true;
  }

  async #upload(answer: Answer): Promise<void> {
    const { request, response, path } = answer;
    const [, name = "", id = ""] = /^\/v2\/(.+)\/blobs\/uploads\/(.*)$/.exec(path) ?? [];
    if (request.method === "POST") return this.#open(answer, name);
    if (!this.#sessions.has(id)) return refuse(response, "BLOB_UPLOAD_UNKNOWN");
    if (request.method === "GET") return this.#accept(name, id, response, 204);
    if (!(await this.#take(id, request))) return;
    if (request.method === "PATCH") this.#accept(name, id, response, 202);
    else this.#commit(answer, name, this.#sessions.get(id) ?? Buffer.alloc(0));
  }

  #open({ request, response }: Answer, name: string): void {
    const query = queryOf(request);
    const mount = query.get("mount") ?? "";
    if (this.#repository(query.get("from") ?? "").has(mount)) {
      this.#repository(name).add(mount);
      response.writeHead(201, { "Content-Length": 0 }).end();
      return;
    }
    const id = randomUUID();
    this.#sessions.set(id, Buffer.alloc(0));
    this.#accept(name, id, response, 202);
  }

  #accept(name: string, id: string, response: ServerResponse, status: number): void {
    const size = this.#sessions.get(id)?.length ?? 0;
    const headers = { Location: `/v2/${name}/blobs/uploads/${id}?state=x`, "Content-Length": 0 };
    response.writeHead(status, { ...headers, ...(size > 0 && { Range: `0-${size - 1}` }) }).end();
  }

  #commit({ request, response }: Answer, name: string, bytes: Buffer): void {
    const digest = digestOf(bytes);
    if (digest !== queryOf(request).get("digest")) {
      refuse(response, "DIGEST_INVALID", 400);
      return;
    }
    this.#registry.addBlob(bytes);
    this.#repository(name).add(digest);
    response.writeHead(201, { "Content-Length": 0 }).end();
  }

  /** False if the connection was cut. */
  async #take(id: string, request: IncomingMessage): Promise<boolean> {
    const limit = request.headers["content-length"] === "0" ? undefined : this.cutAfter.shift();
    const bytes = limit === undefined ? await buffer(request) : await readUpTo(request, limit);
    this.received += bytes.length;
    const kept = limit !== undefined && this.fault === "spoils" ? Buffer.alloc(bytes.length) : bytes;
    this.#sessions.set(id, Buffer.concat([this.#sessions.get(id) ?? Buffer.alloc(0), kept]));
    if (limit !== undefined && this.fault === "forgets") this.#sessions.delete(id);
    return limit === undefined;
  }

  async #putManifest({ request, response, path }: Answer): Promise<void> {
    const [, name = "", tag = ""] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(path) ?? [];
    const bytes = await buffer(request);
    const type = request.headers["content-type"] ?? "";
    this.#registry.addManifest(tag, type, undefined, bytes);
    for (const key of [`${name}${tag.includes(":") ? "@" : ":"}${tag}`, `${name}@${digestOf(bytes)}`])
      this.manifests.set(key, bytes);
    response.writeHead(201, { "Content-Length": 0 }).end();
  }

  #repository(name: string): Set<string> {
    const found = this.blobs.get(name) ?? new Set<string>();
    this.blobs.set(name, found);
    return found;
  }
}

const queryOf = (request: IncomingMessage): URLSearchParams =>
  new URL(request.url ?? "", "http://registry").searchParams;

/** Then cuts the connection. */
async function readUpTo(request: IncomingMessage, limit: number): Promise<Buffer> {
  // A request that is left early may let go of its socket.
  const { socket } = request;
  const chunks: Buffer[] = [];
  let left = limit;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  socket.destroy();
  return Buffer.concat(chunks);
}
