// Calls about the daemon as a whole.

import { claimed } from "#base/decode.ts";
import { parseExactJson } from "#formats/exact-json.ts";
import { parseJsonLines } from "#formats/json-lines.ts";
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
  /** Gantry's own: compressed layers that were discarded, and what they are rebuilt by. */
  readonly DiscardedLayers?: {
    readonly TotalCount: number;
    readonly TotalSize: number;
    readonly RecordSize: number;
  };
}

interface UsageSum<T> {
  readonly TotalSize?: number;
  readonly Items?: T;
}

/** Since API 1.52. */
interface UsageSums {
  readonly ImageUsage?: UsageSum<DiskUsage["Images"]>;
  readonly ContainerUsage?: UsageSum<DiskUsage["Containers"]>;
  readonly VolumeUsage?: UsageSum<DiskUsage["Volumes"]>;
  readonly BuildCacheUsage?: UsageSum<DiskUsage["BuildCache"]>;
}

/** One system call of the plan that a container's start would run. */
export interface ExplainedStep {
  readonly index?: number;
  /** Done by the shim on behalf of the child, in the host's namespaces. */
  readonly host?: boolean;
  /** "mount("proc", "/proc", …)". */
  readonly call?: string;
  readonly why?: string;
}

/** What a check of the daemon's store came to. */
export interface StoreReport {
  readonly Checked?: {
    readonly Blobs?: number;
    readonly Bytes?: number;
    readonly Snapshots?: number;
    readonly Images?: number;
    readonly Leases?: number;
    readonly Ingests?: number;
  };
  readonly Findings?: readonly StoreFinding[];
}

export interface StoreFinding {
  readonly Kind?: string;
  readonly Namespace?: string;
  readonly Name?: string;
  readonly Problem?: string;
  /** What mends it: "forgotten", "deleted"; "" if only a person can. */
  readonly Remedy?: string;
  readonly Repaired?: boolean;
}

/** An event as the daemon tells it, with the fields of older versions; `timeNano` is exact. */
export interface ReportedEvent extends Omit<EventMessage, "timeNano"> {
  readonly timeNano?: number | bigint;
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
}

async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ReportedEvent> {
  for await (const event of parseJsonLines(body, parseExactJson)) yield claimed<ReportedEvent>(event);
}

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
  readonly identitytoken?: string;
}

export interface RegistryLoginAnswer {
  readonly Status?: string;
  /** Instead of the password from now on; "" if there is none. */
  readonly IdentityToken?: string;
}

export class System {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async version(signal: AbortSignal): Promise<SystemVersion> {
    return await this.#client.json({ method: "GET", path: "/version" }, signal);
  }

  /** Has the daemon show credentials to a registry. */
  async login(credentials: RegistryLogin, signal: AbortSignal): Promise<RegistryLoginAnswer> {
    return await this.#client.json({ method: "POST", path: "/auth", json: credentials }, signal);
  }

  async info(signal: AbortSignal): Promise<SystemInfo> {
    return await this.#client.json({ method: "GET", path: "/info" }, signal);
  }

  /** In the form that it had before API 1.52, whatever the daemon speaks. */
  async diskUsage(signal: AbortSignal): Promise<DiskUsage> {
    const query = { verbose: true }; // older daemons do not know it
    const usage: DiskUsage & UsageSums = await this.#client.json(
      { method: "GET", path: "/system/df", query },
      signal,
    );
    const { ImageUsage, ContainerUsage, VolumeUsage, BuildCacheUsage, DiscardedLayers } = usage;
    if (ImageUsage === undefined && ContainerUsage === undefined) return usage;
    return {
      LayersSize: ImageUsage?.TotalSize ?? 0,
      Images: ImageUsage?.Items ?? [],
      Containers: ContainerUsage?.Items ?? [],
      Volumes: VolumeUsage?.Items ?? [],
      BuildCache: BuildCacheUsage?.Items ?? [],
      ...(DiscardedLayers !== undefined && { DiscardedLayers }),
    };
  }

  /** Gantry's own: verifies images, layers and snapshots. */
  async check(repair: boolean, signal: AbortSignal): Promise<StoreReport> {
    return await this.#client.json({ method: "POST", path: "/gantry/check", query: { repair } }, signal);
  }

  /** Resolves when the daemon listens: what happens after that is in the stream. */
  async events(
    options: { readonly since?: string; readonly until?: string; readonly filters?: Filters },
    signal: AbortSignal,
  ): Promise<AsyncGenerator<ReportedEvent>> {
    const query = { since: options.since, until: options.until, filters: encodeFilters(options.filters) };
    const answer = await this.#client.call({ method: "GET", path: "/events", query }, signal);
    return readEvents(answer.body);
  }

  /** Gantry's own: what `create` and `start` of this container would ask of the kernel. */
  async explain(
    body: ContainerCreateRequest,
    name: string,
    signal: AbortSignal,
  ): Promise<readonly ExplainedStep[]> {
    const query = { name };
    return (
      (await this.#client.json({ method: "POST", path: "/gantry/explain", query, json: body }, signal)) ?? []
    );
  }
}
