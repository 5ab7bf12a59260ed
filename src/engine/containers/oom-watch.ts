// Remembers which containers the kernel has killed for memory: containerd tells that before it tells of the exit.

import type { EventExchange } from "#containerd/events/events.ts";
import { decodeTaskOom } from "#containerd/events/messages.ts";

export class OomWatch {
  readonly #killed = new Set<string>();

  async follow(events: EventExchange, signal: AbortSignal): Promise<void> {
    for await (const { event } of events.subscribe(['topic=="/tasks/oom"'], signal)) {
      const id = decodeTaskOom(event);
      if (id !== undefined) this.#killed.add(id);
    }
  }

  /** Asked once for each exit. */
  take(containerId: string): boolean {
    return this.#killed.delete(containerId);
  }
}
