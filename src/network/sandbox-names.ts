// The names of sandboxes: which of them have our resolver, and what it may do for each.

import type { Sandbox } from "./controller.ts";
import type { NameService } from "./dns/name-service.ts";
import type { NameSettings } from "./dns/names.ts";

export interface SandboxNamesDeps {
  readonly service: Pick<NameService, "serve" | "stop" | "isServing">;
  /** One of its networks leads out. */
  readonly leadsOut: (sandboxId: string) => boolean;
}

const NOBODY: Omit<NameSettings, "mayAskOutside"> = { upstreams: [], keepsSingleLabels: false };

/** As with Docker: once it is on a network with names, a sandbox keeps its resolver. */
export class SandboxNames {
  readonly #deps: SandboxNamesDeps;

  constructor(deps: SandboxNamesDeps) {
    this.#deps = deps;
  }

  /** Starts the resolver while the interfaces are made: it asks nobody until `update`. */
  async prepare(place: Pick<Sandbox, "id" | "path">): Promise<void> {
    await this.#deps.service.serve(place, { ...NOBODY, mayAskOutside: false });
  }

  /** The sandbox has a resolver, or is about to have one. */
  has(sandboxId: string): boolean {
    return this.#deps.service.isServing(sandboxId);
  }

  /** What the networks of the sandbox ask for now. */
  async update(sandbox: Sandbox): Promise<void> {
    const { service, leadsOut } = this.#deps;
    const isNeeded = sandbox.endpoints.some(({ names }) => names !== undefined);
    if (!isNeeded && !service.isServing(sandbox.id)) return;
    await service.serve(sandbox, { ...(sandbox.dns ?? NOBODY), mayAskOutside: leadsOut(sandbox.id) });
  }

  /** Nothing keeps the namespace alive when it returns. */
  stop(sandboxId: string): void {
    this.#deps.service.stop(sandboxId);
  }
}
