// Calls about checkpoints of containers, which a daemon has with --experimental.

import type { EngineClient } from "./engine-client.ts";

export interface Checkpoint {
  readonly Name?: string;
}

const pathOf = (container: string): string => `/containers/${encodeURIComponent(container)}/checkpoints`;

/** `dir`, a folder of the daemon's machine: the container's own if it is "". */
export class Checkpoints {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async list(container: string, dir: string, signal: AbortSignal): Promise<readonly Checkpoint[]> {
    const request = { method: "GET", path: pathOf(container), query: { dir } } as const;
    return (await this.#client.json<readonly Checkpoint[] | null>(request, signal)) ?? [];
  }

  /** `Exit`: the container ends when it is saved. */
  async create(
    container: string,
    wanted: { readonly CheckpointID: string; readonly CheckpointDir: string; readonly Exit: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#client.text({ method: "POST", path: pathOf(container), json: wanted }, signal);
  }

  async remove(container: string, id: string, dir: string, signal: AbortSignal): Promise<void> {
    const path = `${pathOf(container)}/${encodeURIComponent(id)}`;
    await this.#client.text({ method: "DELETE", path, query: { dir } }, signal);
  }
}
