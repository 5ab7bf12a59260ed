// Tells the processes that make networks which of their endpoints leads out of a sandbox: what is published is theirs to publish.

import { EngineError, systemError } from "#base/errors.ts";
import type { Attachments } from "./attachments.ts";
import type { Endpoint } from "./controller.ts";
import type { Remote } from "./drivers/driver.ts";
import { hasGateway } from "./endpoint-order.ts";
import { sandboxOptions } from "./sandbox-options.ts";

export interface ExitNoticesDeps {
  readonly attachments: Pick<Attachments, "find">;
  readonly warn: (message: string) => void;
}

interface Exit {
  readonly endpoint: Endpoint;
  readonly remote: Remote;
}

const never = new AbortController().signal;

export class ExitNotices {
  readonly #deps: ExitNoticesDeps;
  /** What was told last, by sandbox. */
  readonly #told = new Map<string, Exit>();

  constructor(deps: ExitNoticesDeps) {
    this.#deps = deps;
  }

  #exitOf(sandboxId: string): Exit | undefined {
    const attachment = this.#deps.attachments.find(sandboxId);
    const endpoint = attachment?.sandbox.endpoints.find(hasGateway);
    const network = attachment?.holdings.get(endpoint?.endpointId ?? "")?.network;
    const remote = network?.driver.remote;
    return endpoint === undefined || remote === undefined || network?.record.internal === true
      ? undefined
      : { endpoint, remote };
  }

  /** Tells who leads out now, if that has changed. Rejects in Docker's words. */
  async update(sandboxId: string, signal: AbortSignal): Promise<void> {
    const before = this.#told.get(sandboxId);
    const exit = this.#exitOf(sandboxId);
    if (exit?.endpoint.endpointId === before?.endpoint.endpointId) return;
    if (before !== undefined)
      await this.#tell("revoking", before, () => this.#revoke(sandboxId, before, signal));
    if (exit === undefined) return;
    const { sandbox } = this.#deps.attachments.find(sandboxId) ?? {};
    const options = sandboxOptions(sandbox ?? {});
    this.#told.set(sandboxId, exit);
    await this.#tell("programming", exit, () =>
      exit.remote.programExit(exit.endpoint.endpointId, options, signal),
    );
  }

  /** The same where nothing can be undone: a failure is a warning. */
  async updateAfterAll(sandboxId: string): Promise<void> {
    await this.#warned(this.update(sandboxId, never));
  }

  /** The endpoint is about to leave, or all of them are. */
  async leave(sandboxId: string, endpointId?: string): Promise<void> {
    const exit = this.#told.get(sandboxId);
    if (exit === undefined || (endpointId !== undefined && exit.endpoint.endpointId !== endpointId)) return;
    await this.#warned(this.#tell("revoking", exit, () => this.#revoke(sandboxId, exit, never)));
  }

  /** After a restart: it was told by the daemon before. */
  adopt(sandboxId: string): void {
    const exit = this.#exitOf(sandboxId);
    if (exit !== undefined) this.#told.set(sandboxId, exit);
  }

  async #revoke(sandboxId: string, { endpoint, remote }: Exit, signal: AbortSignal): Promise<void> {
    this.#told.delete(sandboxId);
    await remote.revokeExit(endpoint.endpointId, signal);
  }

  async #tell(what: string, { endpoint }: Exit, tell: () => Promise<void>): Promise<void> {
    try {
      await tell();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const { endpointId, endpointName = endpointId } = endpoint;
      throw systemError(
        `driver failed ${what} external connectivity on endpoint ${endpointName} (${endpointId}): ${error.message}`,
        { cause: error },
      );
    }
  }

  async #warned(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#deps.warn(error instanceof Error ? error.message : String(error));
    }
  }
}
