// Calls about volumes.

import type { Volume, VolumeCreateRequest, VolumeListResponse } from "#spec/engine-api/definitions.table.ts";
import type { PruneReport } from "./containers.ts";
import { type EngineClient, encodeFilters, type Filters } from "./engine-client.ts";

const pathOf = (name: string): string => `/volumes/${encodeURIComponent(name)}`;

export class Volumes {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async list(filters: Filters, signal: AbortSignal): Promise<VolumeListResponse> {
    const query = { filters: encodeFilters(filters) };
    return await this.#client.json({ method: "GET", path: "/volumes", query }, signal);
  }

  async create(body: VolumeCreateRequest, signal: AbortSignal): Promise<Volume> {
    return await this.#client.json({ method: "POST", path: "/volumes/create", json: body }, signal);
  }

  /** The text of inspect as the daemon wrote it. */
  async inspectText(name: string, signal: AbortSignal): Promise<string> {
    return await this.#client.text({ method: "GET", path: pathOf(name) }, signal);
  }

  async remove(name: string, force: boolean, signal: AbortSignal): Promise<void> {
    await this.#client.text({ method: "DELETE", path: pathOf(name), query: { force } }, signal);
  }

  /** Gantry's own, like import and clone. `pause`: containers that write to it meanwhile. */
  async export(name: string, pause: boolean, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const request = { method: "GET", path: `/gantry${pathOf(name)}/export`, query: { pause } } as const;
    return (await this.#client.call(request, signal)).body;
  }

  async import(name: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Volume> {
    const headers = { "Content-Type": "application/x-tar" };
    const request = { method: "POST", path: `/gantry${pathOf(name)}/import`, headers, body } as const;
    return await this.#client.json(request, signal);
  }

  async clone(from: string, to: string, pause: boolean, signal: AbortSignal): Promise<Volume> {
    const request = { method: "POST", path: `/gantry${pathOf(from)}/clone`, query: { to, pause } } as const;
    return await this.#client.json(request, signal);
  }

  async prune(filters: Filters, signal: AbortSignal): Promise<PruneReport> {
    const query = { filters: encodeFilters(filters) };
    return await this.#client.json({ method: "POST", path: "/volumes/prune", query }, signal);
  }
}
