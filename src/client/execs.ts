// Calls about commands run in a container that is running.

import type { ContainerExecRequest } from "#spec/engine-api/definitions.table.ts";
import type { EngineClient } from "./engine-client.ts";
import type { Hijacked } from "./exchange.ts";

export interface ExecState {
  readonly ID?: string;
  readonly Running?: boolean;
  readonly ExitCode?: number | null;
  readonly Pid?: number;
}

export class Execs {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** Returns the id. */
  async create(container: string, config: ContainerExecRequest, signal: AbortSignal): Promise<string> {
    const path = `/containers/${encodeURIComponent(container)}/exec`;
    const answer = await this.#client.json<{ readonly Id?: string }>(
      { method: "POST", path, json: config },
      signal,
    );
    return answer.Id ?? "";
  }

  async startDetached(id: string, tty: boolean, signal: AbortSignal): Promise<void> {
    const json = { Detach: true, Tty: tty };
    await this.#client.text({ method: "POST", path: `/exec/${id}/start`, json }, signal);
  }

  async start(
    id: string,
    options: { readonly tty: boolean; readonly size?: readonly [number, number] },
    signal: AbortSignal,
  ): Promise<Hijacked> {
    const json = {
      Detach: false,
      Tty: options.tty,
      ...(options.size === undefined ? {} : { ConsoleSize: options.size }),
    };
    return await this.#client.hijack({ method: "POST", path: `/exec/${id}/start`, json }, signal);
  }

  async inspect(id: string, signal: AbortSignal): Promise<ExecState> {
    return await this.#client.json({ method: "GET", path: `/exec/${id}/json` }, signal);
  }

  async resize(
    id: string,
    size: { readonly h: number; readonly w: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#client.text({ method: "POST", path: `/exec/${id}/resize`, query: size }, signal);
  }
}
