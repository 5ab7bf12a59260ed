// Calls about containers.

import { claimed } from "#base/decode.ts";
import { parseJsonLines } from "#formats/json-lines.ts";
import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerStatsResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerWaitResponse,
  FilesystemChange,
} from "#spec/engine-api/definitions.table.ts";
import type { UpdatedWithPorts, UpdateWithPorts } from "#spec/engine-api/ports.ts";
import { type EngineClient, encodeFilters, type Filters } from "./engine-client.ts";
import type { Hijacked, HttpAnswer } from "./exchange.ts";

export interface AttachOptions {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly logs?: boolean;
  readonly detachKeys?: string;
}

export interface LogOptions {
  readonly follow?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly timestamps?: boolean;
  readonly details?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly tail?: string;
}

export interface PruneReport {
  readonly ContainersDeleted?: readonly string[] | null;
  readonly ImagesDeleted?: readonly { readonly Untagged?: string; readonly Deleted?: string }[] | null;
  readonly VolumesDeleted?: readonly string[] | null;
  readonly NetworksDeleted?: readonly string[] | null;
  readonly CachesDeleted?: readonly string[] | null;
  readonly SpaceReclaimed?: number;
}

export interface ContainerPathStat {
  readonly name: string;
  readonly size: number;
  /** As Go's os.FileMode. */
  readonly mode: number;
  readonly mtime: string;
  /** Where a symlink leads in the end. */
  readonly linkTarget: string;
}

export interface ArchiveUpload {
  readonly body: AsyncIterable<Uint8Array>;
  readonly noOverwriteDirNonDir: boolean;
  readonly copyUIDGID: boolean;
}

export interface CommitOptions {
  readonly repo?: string;
  readonly tag?: string;
  readonly author: string;
  readonly comment: string;
  readonly changes: readonly string[];
  readonly pause: boolean;
}

function decodePathStat({ headers }: HttpAnswer): ContainerPathStat {
  const encoded = String(headers["x-docker-container-path-stat"] ?? "");
  if (encoded === "") throw new Error("unable to decode container path stat header");
  return claimed<ContainerPathStat>(JSON.parse(Buffer.from(encoded, "base64").toString()));
}

async function exitOf(body: AsyncIterable<Uint8Array>): Promise<ContainerWaitResponse> {
  for await (const value of parseJsonLines(body)) return claimed<ContainerWaitResponse>(value);
  throw new Error("unexpected end of the answer to wait");
}

const pathOf = (name: string): string => `/containers/${encodeURIComponent(name)}`;

export class Containers {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async list(
    options: {
      readonly all?: boolean;
      readonly limit?: number;
      readonly size?: boolean;
      readonly filters?: Filters;
    },
    signal: AbortSignal,
  ): Promise<readonly ContainerSummary[]> {
    const query = { ...options, filters: encodeFilters(options.filters) };
    return (await this.#client.json({ method: "GET", path: "/containers/json", query }, signal)) ?? [];
  }

  async create(
    body: ContainerCreateRequest,
    options: { readonly name?: string; readonly platform?: string },
    signal: AbortSignal,
  ): Promise<ContainerCreateResponse> {
    return await this.#client.json(
      { method: "POST", path: "/containers/create", query: options, json: body },
      signal,
    );
  }

  async inspect(name: string, signal: AbortSignal): Promise<ContainerInspectResponse> {
    return await this.#client.json({ method: "GET", path: `${pathOf(name)}/json` }, signal);
  }

  /** The text of inspect as the daemon wrote it. */
  async inspectText(name: string, size: boolean, signal: AbortSignal): Promise<string> {
    return await this.#client.text({ method: "GET", path: `${pathOf(name)}/json`, query: { size } }, signal);
  }

  /** `checkpoint`: what it goes on from, "" is nothing. */
  async start(
    name: string,
    options: {
      readonly detachKeys?: string;
      readonly checkpoint?: string;
      readonly "checkpoint-dir"?: string;
    },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#post(`${pathOf(name)}/start`, options, signal);
  }

  async stop(
    name: string,
    options: { readonly signal?: string; readonly t?: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#post(`${pathOf(name)}/stop`, options, signal);
  }

  async restart(
    name: string,
    options: { readonly signal?: string; readonly t?: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#post(`${pathOf(name)}/restart`, options, signal);
  }

  async kill(name: string, signalName: string, signal: AbortSignal): Promise<void> {
    await this.#post(`${pathOf(name)}/kill`, { signal: signalName }, signal);
  }

  async pause(name: string, signal: AbortSignal): Promise<void> {
    await this.#post(`${pathOf(name)}/pause`, {}, signal);
  }

  async unpause(name: string, signal: AbortSignal): Promise<void> {
    await this.#post(`${pathOf(name)}/unpause`, {}, signal);
  }

  async rename(name: string, to: string, signal: AbortSignal): Promise<void> {
    await this.#post(`${pathOf(name)}/rename`, { name: to }, signal);
  }

  async remove(
    name: string,
    options: { readonly force?: boolean; readonly v?: boolean; readonly link?: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#client.text({ method: "DELETE", path: pathOf(name), query: options }, signal);
  }

  /** Resolves to the daemon's warnings. */
  async update(name: string, body: UpdateWithPorts, signal: AbortSignal): Promise<readonly string[]> {
    const request = { method: "POST", path: `${pathOf(name)}/update`, json: body } as const;
    const answer = await this.#client.json<UpdatedWithPorts>(request, signal);
    const changesPorts = body.PublishAdd !== undefined || body.PublishRemove !== undefined;
    if (changesPorts && answer.PortBindings === undefined)
      throw new Error("the daemon cannot change published ports of a container: it is not Gantry's");
    return answer.Warnings ?? [];
  }

  /**
   * Registers the wait at the daemon before it resolves (so that a start after it cannot be missed); `exit` follows when
   * the container ends as `condition` says.
   */
  async wait(
    name: string,
    condition: "not-running" | "next-exit" | "removed",
    signal: AbortSignal,
  ): Promise<{ readonly exit: Promise<ContainerWaitResponse> }> {
    const query = { condition };
    const answer = await this.#client.call({ method: "POST", path: `${pathOf(name)}/wait`, query }, signal);
    const exit = exitOf(answer.body);
    exit.catch(() => undefined); // whoever wants it awaits it; nobody has to
    return { exit };
  }

  async attach(name: string, options: AttachOptions, signal: AbortSignal): Promise<Hijacked> {
    const query = { stream: true, ...options };
    return await this.#client.hijack({ method: "POST", path: `${pathOf(name)}/attach`, query }, signal);
  }

  async resize(
    name: string,
    size: { readonly h: number; readonly w: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#post(`${pathOf(name)}/resize`, size, signal);
  }

  /** Raw bytes for a container with a terminal, else frames (log-frames.ts). */
  async logs(name: string, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const query = { ...options };
    return (await this.#client.call({ method: "GET", path: `${pathOf(name)}/logs`, query }, signal)).body;
  }

  async top(name: string, psArguments: string, signal: AbortSignal): Promise<ContainerTopResponse> {
    const query = { ps_args: psArguments };
    return await this.#client.json({ method: "GET", path: `${pathOf(name)}/top`, query }, signal);
  }

  async changes(name: string, signal: AbortSignal): Promise<readonly FilesystemChange[]> {
    return (await this.#client.json({ method: "GET", path: `${pathOf(name)}/changes` }, signal)) ?? [];
  }

  stats(name: string, stream: boolean, signal: AbortSignal): AsyncGenerator<ContainerStatsResponse> {
    const query = stream ? { stream: "1" } : { stream: "0" };
    return this.#client.jsonStream({ method: "GET", path: `${pathOf(name)}/stats`, query }, signal);
  }

  /** Of a symlink itself. */
  async statPath(name: string, path: string, signal: AbortSignal): Promise<ContainerPathStat> {
    const request = { method: "HEAD", path: `${pathOf(name)}/archive`, query: { path } } as const;
    return decodePathStat(await this.#client.call(request, signal));
  }

  /** A tar archive of what is at the path. */
  async getArchive(
    name: string,
    path: string,
    signal: AbortSignal,
  ): Promise<{ readonly stat: ContainerPathStat; readonly body: AsyncIterable<Uint8Array> }> {
    const request = { method: "GET", path: `${pathOf(name)}/archive`, query: { path } } as const;
    const answer = await this.#client.call(request, signal);
    return { stat: decodePathStat(answer), body: answer.body };
  }

  /** Unpacks a tar archive into the directory at the path. */
  async putArchive(
    name: string,
    path: string,
    { body, ...options }: ArchiveUpload,
    signal: AbortSignal,
  ): Promise<void> {
    const query = { path, ...options };
    const headers = { "Content-Type": "application/x-tar" };
    await this.#client.text({ method: "PUT", path: `${pathOf(name)}/archive`, query, headers, body }, signal);
  }

  /** The new image's id. */
  async commit(container: string, options: CommitOptions, signal: AbortSignal): Promise<string> {
    const { pause, ...rest } = options;
    const query = { container, ...rest, ...(pause ? {} : { pause: "0" }) };
    const request = { method: "POST", path: "/commit", query, json: null } as const;
    return (await this.#client.json<{ readonly Id: string }>(request, signal)).Id;
  }

  async export(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#client.call({ method: "GET", path: `${pathOf(name)}/export` }, signal)).body;
  }

  async prune(filters: Filters, signal: AbortSignal): Promise<PruneReport> {
    const query = { filters: encodeFilters(filters) };
    return await this.#client.json({ method: "POST", path: "/containers/prune", query }, signal);
  }

  async #post(
    path: string,
    query: Readonly<Record<string, string | number | undefined>>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#client.text({ method: "POST", path, query }, signal);
  }
}
