// Calls about images.

import type {
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
} from "#spec/engine-api/definitions.table.ts";
import type { PruneReport } from "./containers.ts";
import { type EngineClient, encodeFilters, type Filters } from "./engine-client.ts";

/** A line of the progress streams of pull, push, load and import. */
export interface ProgressMessage {
  readonly id?: string;
  readonly status?: string;
  readonly stream?: string;
  readonly progress?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number; readonly units?: string };
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
  readonly aux?: unknown;
}

/** What an index knows of a repository. */
export interface SearchResult {
  readonly name?: string;
  readonly description?: string;
  readonly star_count?: number;
  readonly is_official?: boolean;
}

/** An OCI platform. */
export interface PlatformQuery {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface ImportOptions {
  readonly repo?: string;
  readonly tag?: string;
  readonly message?: string;
  readonly platform?: string;
  readonly changes?: readonly string[];
}

const pathOf = (name: string): string => `/images/${name.split("/").map(encodeURIComponent).join("/")}`;

export class Images {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async list(
    options: {
      readonly all?: boolean;
      readonly sharedSize?: boolean;
      readonly manifests?: boolean;
      readonly filters?: Filters;
    },
    signal: AbortSignal,
  ): Promise<readonly ImageSummary[]> {
    if (options.manifests === true) await this.#client.require('"--tree"', "1.47", signal);
    const query = {
      ...(options.manifests === true && { manifests: true }),
      all: options.all ?? false,
      "shared-size": options.sharedSize ?? false,
      filters: encodeFilters(options.filters),
    };
    return (await this.#client.json({ method: "GET", path: "/images/json", query }, signal)) ?? [];
  }

  /** `auth`: X-Registry-Auth; `limit` 0: as many as the daemon chooses. */
  async search(
    term: string,
    { limit, filters }: { readonly limit: number; readonly filters: Filters },
    auth: string,
    signal: AbortSignal,
  ): Promise<readonly SearchResult[]> {
    const query = {
      term,
      ...(limit > 0 && { limit }),
      ...(Object.keys(filters).length > 0 && { filters: encodeFilters(filters) }),
    };
    const headers = { "X-Registry-Auth": auth };
    const request = { method: "GET", path: "/images/search", query, headers } as const;
    return (await this.#client.json<readonly SearchResult[]>(request, signal)) ?? [];
  }

  async inspect(name: string, signal: AbortSignal): Promise<ImageInspect> {
    return await this.#client.json({ method: "GET", path: `${pathOf(name)}/json` }, signal);
  }

  /** The text of inspect as the daemon wrote it. `platform` here and below: JSON, "" for none. */
  async inspectText(name: string, platform: string, signal: AbortSignal): Promise<string> {
    const query = await this.#platform(platform, "1.49", signal);
    return await this.#client.text({ method: "GET", path: `${pathOf(name)}/json`, query }, signal);
  }

  async history(
    name: string,
    platform: string,
    signal: AbortSignal,
  ): Promise<readonly ImageHistoryResponseItem[]> {
    const query = await this.#platform(platform, "1.48", signal);
    return await this.#client.json({ method: "GET", path: `${pathOf(name)}/history`, query }, signal);
  }

  async #platform(
    platform: string,
    needed: string,
    signal: AbortSignal,
  ): Promise<{ readonly platform?: string }> {
    if (platform === "") return {};
    await this.#client.require('"--platform"', needed, signal);
    return { platform };
  }

  /** `auth` is the value of X-Registry-Auth. */
  pull(
    image: {
      readonly name: string;
      readonly tag?: string;
      readonly platform?: string;
      /** Gantry's own: a public key (PEM) that must have signed it. */
      readonly signedBy?: string;
    },
    auth: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<ProgressMessage> {
    const { name, tag, platform, signedBy } = image;
    const query = { fromImage: name, tag, platform };
    const headers = {
      ...(auth !== undefined && { "X-Registry-Auth": auth }),
      ...(signedBy !== undefined && { "X-Gantry-Verify": Buffer.from(signedBy).toString("base64") }),
    };
    return this.#client.jsonStream({ method: "POST", path: "/images/create", query, headers }, signal);
  }

  /** `auth` is the value of X-Registry-Auth; without a tag all tags are pushed. */
  push(
    image: { readonly name: string; readonly tag?: string; readonly platform?: PlatformQuery },
    auth: string,
    signal: AbortSignal,
  ): AsyncGenerator<ProgressMessage> {
    const platform = image.platform === undefined ? undefined : JSON.stringify(image.platform);
    const query = { tag: image.tag, platform };
    const headers = { "X-Registry-Auth": auth };
    return this.#client.jsonStream(
      { method: "POST", path: `${pathOf(image.name)}/push`, query, headers },
      signal,
    );
  }

  /** Makes an image of a tar archive: `source` is "-" for `body`, or a URL that the daemon fetches. */
  import(
    source: string,
    options: ImportOptions,
    body: AsyncIterable<Uint8Array> | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<ProgressMessage> {
    const query = { fromSrc: source, ...options };
    const request = { method: "POST", path: "/images/create", query } as const;
    const headers = { "Content-Type": "application/x-tar" };
    return this.#client.jsonStream(body === undefined ? request : { ...request, headers, body }, signal);
  }

  async *load(
    body: AsyncIterable<Uint8Array>,
    options: { readonly quiet: boolean; readonly platform: string },
    signal: AbortSignal,
  ): AsyncGenerator<ProgressMessage> {
    const headers = { "Content-Type": "application/x-tar" };
    const query = {
      quiet: options.quiet ? "1" : "0",
      ...(await this.#platform(options.platform, "1.48", signal)),
    };
    yield* this.#client.jsonStream({ method: "POST", path: "/images/load", query, headers, body }, signal);
  }

  async save(
    names: readonly string[],
    platform: string,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const query = { names, ...(await this.#platform(platform, "1.48", signal)) };
    return (await this.#client.call({ method: "GET", path: "/images/get", query }, signal)).body;
  }

  async tag(
    name: string,
    target: { readonly repo: string; readonly tag?: string },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#client.text({ method: "POST", path: `${pathOf(name)}/tag`, query: target }, signal);
  }

  async remove(
    name: string,
    options: {
      readonly force?: boolean;
      readonly noprune?: boolean;
      readonly platforms: readonly string[];
    },
    signal: AbortSignal,
  ): Promise<readonly ImageDeleteResponseItem[]> {
    if (options.platforms.length > 0) await this.#client.require('"--platform"', "1.50", signal);
    return (await this.#client.json({ method: "DELETE", path: pathOf(name), query: options }, signal)) ?? [];
  }

  async prune(filters: Filters, signal: AbortSignal): Promise<PruneReport> {
    const query = { filters: encodeFilters(filters) };
    return await this.#client.json({ method: "POST", path: "/images/prune", query }, signal);
  }
}
