// One blob from the content store into a repository: not at all if it is there, mounted from another repository, or uploaded, going on
// after a connection that broke where the registry says that it has got to.
//
//   HEAD blobs/D ---- 200 -> there already
//   POST blobs/uploads/?mount=D&from=REPO ---- 201 -> mounted;  202 Location -> a session
//   PUT Location?digest=D, all of it ---- 201
//     broke off: GET Location ---- 204 Range: 0-N -> PATCH Location, the rest ---- 202 Location -> PUT Location?digest=D ---- 201
//                             ---- else -> from the beginning in a new session                                       ---- else -> likewise

import type { IncomingMessage } from "node:http";
import { isKind, systemError } from "#base/errors.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import type { ContentStore } from "../content/content.ts";
import type { Scope } from "../scope.ts";
import type { RegistryConnection } from "./connection.ts";
import type { StreamBody } from "./http-transport.ts";
import { registryFailure } from "./registry-failure.ts";
import { type RetryPolicy, TransientError, withRetries } from "./retry.ts";

export type UploadState =
  | { readonly kind: "exists" | "pushed" }
  | { readonly kind: "mounted"; readonly from: string }
  | { readonly kind: "pushing"; readonly current: number; readonly total: number }
  | { readonly kind: "retrying"; readonly seconds: number };

export interface UploadDeps {
  readonly content: Pick<ContentStore, "read">;
  readonly connection: RegistryConnection;
  readonly retry: RetryPolicy;
}

export interface UploadJob {
  readonly scope: Scope;
  readonly descriptor: Descriptor;
  /** Path of the repository: "team/app". */
  readonly repository: string;
  /** Paths of other repositories of the registry that are known to have the blob, the best first. */
  readonly mountFrom: readonly string[];
}

type Report = (state: UploadState) => void;

/** Rejects with the registry's refusal in its words. The last state that is reported tells how the blob got there. */
export async function uploadBlob(
  deps: UploadDeps,
  job: UploadJob,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const upload = new Upload(deps, job, report, signal);
  const onWait = (seconds: number): void => report({ kind: "retrying", seconds });
  await withRetries({ policy: deps.retry, onWait, signal }, (progressed) => upload.attempt(progressed));
}

/** Whether the repository has it. */
async function hasRemoteBlob(
  connection: RegistryConnection,
  repository: string,
  digest: string,
  signal: AbortSignal,
): Promise<boolean> {
  const at = `${repository}/blobs/${digest}`;
  const response = await connection.send(
    { method: "HEAD", at, headers: {}, scopes: pushScopes(repository), bare: true },
    signal,
  );
  response.resume();
  return response.statusCode === 200;
}

export const pushScopes = (repository: string): readonly string[] => [`repository:${repository}:pull,push`];

class Upload {
  readonly #deps: UploadDeps;
  readonly #job: UploadJob;
  readonly #report: Report;
  readonly #signal: AbortSignal;
  /** Where the session goes on; undefined before there is one. */
  #session: URL | undefined;
  #farthest = 0;

  constructor(deps: UploadDeps, job: UploadJob, report: Report, signal: AbortSignal) {
    this.#deps = deps;
    this.#job = job;
    this.#report = report;
    this.#signal = signal;
  }

  async attempt(progressed: () => void): Promise<void> {
    const { repository, descriptor } = this.#job;
    const offset = await this.#resume();
    if (offset !== undefined && offset > 0) {
      if (offset > this.#farthest) progressed();
      this.#farthest = Math.max(this.#farthest, offset);
      return await this.#rest(offset);
    }
    if (await hasRemoteBlob(this.#deps.connection, repository, descriptor.digest, this.#signal))
      return this.#report({ kind: "exists" });
    const from = await this.#open();
    if (from !== undefined) return this.#report({ kind: "mounted", from });
    await this.#whole();
  }

  /** How much of it the registry has, if it still knows the session. */
  async #resume(): Promise<number | undefined> {
    const session = this.#session;
    if (session === undefined) return undefined;
    this.#session = undefined;
    const response = await this.#send("GET", session);
    response.resume();
    const end = /^(?:bytes=)?0-([0-9]+)$/.exec(String(response.headers.range ?? ""))?.[1];
    // docker-registry has the same word for one byte and for none.
    if (response.statusCode !== 204 || end === undefined || end === "0") return undefined;
    this.#session = locationOf(response, session);
    const offset = Number(end) + 1;
    return offset <= this.#job.descriptor.size ? offset : undefined;
  }

  /** A session; or the repository that the blob was mounted from. */
  async #open(): Promise<string | undefined> {
    const { repository, descriptor, mountFrom } = this.#job;
    for (const from of mountFrom) {
      const query = new URLSearchParams({ mount: descriptor.digest, from }).toString();
      const scopes = [...pushScopes(repository), `repository:${from}:pull`];
      const response = await this.#post(`${repository}/blobs/uploads/?${query}`, scopes);
      if (response.statusCode === 201) return from;
      // A registry that knows nothing of mounting has opened a session: it serves as well as another.
      if (response.statusCode === 202) {
        this.#session = locationOf(response, this.#base(repository));
        return undefined;
      }
    }
    const response = await this.#post(`${repository}/blobs/uploads/`, pushScopes(repository));
    if (response.statusCode !== 202) throw await registryFailure(response);
    this.#session = locationOf(response, this.#base(repository));
    return undefined;
  }

  async #post(at: string, scopes: readonly string[]): Promise<IncomingMessage> {
    const headers = { "Content-Length": "0" };
    const request = { method: "POST", at, headers, scopes, bare: true } as const;
    const response = await this.#deps.connection.send(request, this.#signal).catch((error: unknown) => {
      // A token that covers the other repository too may be refused: the blob is then uploaded.
      if (scopes.length > 1 && isKind(error, "system") && !(error instanceof TransientError))
        return undefined;
      throw error;
    });
    if (response === undefined) return await this.#post(at.replace(/\?.*$/, ""), scopes.slice(0, 1));
    if (response.statusCode === 201 || response.statusCode === 202 || scopes.length > 1) response.resume();
    return response;
  }

  #base(repository: string): URL {
    return new URL(`${this.#deps.connection.endpoint.api}/${repository}/blobs/uploads/`);
  }

  async #whole(): Promise<void> {
    const response = await this.#send("PUT", this.#finalUrl(), this.#body(0));
    if (response.statusCode !== 201) throw await registryFailure(response);
    response.resume();
    this.#report({ kind: "pushed" });
  }

  async #rest(offset: number): Promise<void> {
    const { size } = this.#job.descriptor;
    if (offset < size) {
      const session = this.#mustHaveSession();
      const range = { "Content-Range": `${offset}-${size - 1}` };
      const response = await this.#send("PATCH", session, this.#body(offset), range);
      if (response.statusCode !== 202) throw await this.#startOver(response);
      response.resume();
      this.#session = locationOf(response, session);
    }
    const response = await this.#send("PUT", this.#finalUrl());
    // What it had of a broken connection may have been something else.
    if (response.statusCode !== 201) throw await this.#startOver(response);
    response.resume();
    this.#report({ kind: "pushed" });
  }

  /** The registry does not go on with the session: the next attempt opens another. */
  async #startOver(response: IncomingMessage): Promise<Error> {
    this.#session = undefined;
    const { message } = await registryFailure(response);
    return new TransientError(message);
  }

  #finalUrl(): URL {
    const url = new URL(this.#mustHaveSession());
    url.searchParams.set("digest", this.#job.descriptor.digest);
    return url;
  }

  #mustHaveSession(): URL {
    if (this.#session === undefined) throw systemError("the registry gave no location for the upload");
    return this.#session;
  }

  #body(offset: number): StreamBody {
    const { content } = this.#deps;
    const { scope, descriptor } = this.#job;
    const { digest, size: total } = descriptor;
    const size = total - offset;
    const report = this.#report;
    return {
      size,
      open: async function* () {
        let current = offset;
        for await (const chunk of content.read(scope, digest, { offset, size })) {
          yield chunk;
          current += chunk.length;
          report({ kind: "pushing", current, total });
        }
      },
    };
  }

  #send(
    method: "GET" | "PUT" | "PATCH",
    at: URL,
    body?: StreamBody,
    range: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    const type: Readonly<Record<string, string>> =
      body === undefined ? {} : { "Content-Type": "application/octet-stream" };
    const length: Readonly<Record<string, string>> =
      body === undefined && method === "PUT" ? { "Content-Length": "0" } : {};
    const headers = { ...type, ...length, ...range };
    const scopes = pushScopes(this.#job.repository);
    const request = { method, at, headers, scopes, bare: true, ...(body !== undefined && { body }) };
    return this.#deps.connection.send(request, this.#signal);
  }
}

function locationOf(response: IncomingMessage, base: URL): URL {
  const { location } = response.headers;
  const url = location === undefined ? null : URL.parse(location, base);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw systemError("the registry gave no location for the upload");
  if (base.protocol === "https:" && url.protocol === "http:" && url.host === base.host)
    url.protocol = "https:";
  return url;
}
