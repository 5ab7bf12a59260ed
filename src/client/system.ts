// Calls about the daemon as a whole.

import type {
  ContainerCreateRequest,
  ContainerSummary,
  EventMessage,
  ImageSummary,
  SystemInfo,
  SystemVersion,
  Volume,
} from "#spec/engine-api/definitions.table.ts";
import { type EngineClient, encodeFilters, type Filters } from "./engine-client.ts";

export interface DiskUsage {
  readonly LayersSize?: number;
  readonly Images?: readonly ImageSummary[] | null;
  readonly Containers?: readonly ContainerSummary[] | null;
  readonly Volumes?: readonly Volume[] | null;
  readonly BuildCache?:
    | readonly { readonly Size?: number; readonly InUse?: boolean; readonly Shared?: boolean }[]
    | null;
}

/** One system call of the plan that a container's start would run. */
export interface ExplainedStep {
  readonly index?: number;
  readonly side?: string;
  readonly call?: string;
  readonly why?: string;
}

export class System {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async version(signal: AbortSignal): Promise<SystemVersion> {
    return await this.#client.json({ method: "GET", path: "/version" }, signal);
  }

  async info(signal: AbortSignal): Promise<SystemInfo> {
    return await this.#client.json({ method: "GET", path: "/info" }, signal);
  }

  async diskUsage(signal: AbortSignal): Promise<DiskUsage> {
    return await this.#client.json({ method: "GET", path: "/system/df" }, signal);
  }

  events(
    options: { readonly since?: string; readonly until?: string; readonly filters?: Filters },
    signal: AbortSignal,
  ): AsyncGenerator<EventMessage> {
    const query = { since: options.since, until: options.until, filters: encodeFilters(options.filters) };
    return this.#client.jsonStream({ method: "GET", path: "/events", query }, signal);
  }

  /** Gantry's own: what `create` and `start` of this container would ask of the kernel. */
  async explain(
    body: ContainerCreateRequest,
    signal: AbortSignal,
  ): Promise<readonly ExplainedStep[] | { readonly steps?: readonly ExplainedStep[] }> {
    return await this.#client.json({ method: "POST", path: "/gantry/explain", json: body }, signal);
  }
}
