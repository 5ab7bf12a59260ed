// What is attached to the networks now: each sandbox with all that it holds.

import type { NetworkInfo, Sandbox } from "./controller.ts";
import { publicationsOf } from "./endpoint-values.ts";
import type { PublishedPorts } from "./ports/publish.ts";
import type { Publication } from "./rules.ts";

/** Everything that one attached sandbox holds. */
export interface Attachment {
  readonly sandbox: Sandbox;
  readonly networkName: string;
  /** Host end of its veth pair. */
  readonly hostName?: string;
  /** Taken from the network's pool: to be given back to it. */
  readonly address?: number;
  readonly published?: PublishedPorts;
}

export class Attachments {
  readonly #bySandbox = new Map<string, Attachment>();

  /** Adds it, or replaces what is known of the same sandbox. */
  set(attachment: Attachment): void {
    this.#bySandbox.set(attachment.sandbox.id, attachment);
  }

  has(sandboxId: string): boolean {
    return this.#bySandbox.has(sandboxId);
  }

  /** Removes it; what it holds is the caller's to give back. undefined if there is none. */
  take(sandboxId: string): Attachment | undefined {
    const attachment = this.#bySandbox.get(sandboxId);
    this.#bySandbox.delete(sandboxId);
    return attachment;
  }

  all(): readonly Attachment[] {
    return [...this.#bySandbox.values()];
  }

  endpointsOf(networkName: string): NetworkInfo["endpoints"] {
    return this.all()
      .filter((attachment) => attachment.networkName === networkName)
      .flatMap(({ sandbox }) =>
        sandbox.endpoint === undefined ? [] : [{ ...sandbox.endpoint, sandboxId: sandbox.id }],
      );
  }

  publications(): readonly Publication[] {
    return this.all().flatMap(({ sandbox: { endpoint } }) =>
      endpoint === undefined ? [] : publicationsOf(endpoint),
    );
  }
}
