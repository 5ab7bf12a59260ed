// Calls about networks.

import type {
  Network,
  NetworkConnectRequest,
  NetworkCreateRequest,
  NetworkCreateResponse,
} from "#spec/engine-api/definitions.table.ts";
import type { PruneReport } from "./containers.ts";
import { type EngineClient, encodeFilters, type Filters } from "./engine-client.ts";

const pathOf = (name: string): string => `/networks/${encodeURIComponent(name)}`;

export class Networks {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async list(filters: Filters, signal: AbortSignal): Promise<readonly Network[]> {
    const query = { filters: encodeFilters(filters) };
    return (await this.#client.json({ method: "GET", path: "/networks", query }, signal)) ?? [];
  }

  /** The text of inspect as the daemon wrote it. */
  async inspectText(name: string, verbose: boolean, signal: AbortSignal): Promise<string> {
    return await this.#client.text({ method: "GET", path: pathOf(name), query: { verbose } }, signal);
  }

  async create(body: NetworkCreateRequest, signal: AbortSignal): Promise<NetworkCreateResponse> {
    return await this.#client.json({ method: "POST", path: "/networks/create", json: body }, signal);
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#client.text({ method: "DELETE", path: pathOf(name) }, signal);
  }

  async connect(name: string, body: NetworkConnectRequest, signal: AbortSignal): Promise<void> {
    await this.#client.text({ method: "POST", path: `${pathOf(name)}/connect`, json: body }, signal);
  }

  async disconnect(
    name: string,
    body: { readonly Container: string; readonly Force: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#client.text({ method: "POST", path: `${pathOf(name)}/disconnect`, json: body }, signal);
  }

  async prune(filters: Filters, signal: AbortSignal): Promise<PruneReport> {
    const query = { filters: encodeFilters(filters) };
    return await this.#client.json({ method: "POST", path: "/networks/prune", query }, signal);
  }
}
