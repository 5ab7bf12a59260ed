// Interfaces on the host that had an address until now and are not gone yet: who gets the address silences them.

import type { Endpoint } from "./controller.ts";

export interface LeavingLink extends Pick<Endpoint, "networkId" | "ipv4"> {
  readonly hostName: string;
}

const keyOf = ({ networkId, ipv4 }: Pick<Endpoint, "networkId" | "ipv4">): string => `${networkId} ${ipv4}`;

export class LeavingLinks {
  readonly #names = new Map<string, string>();

  /** `remove` is called at once, and calls back when they are gone. */
  add(links: readonly LeavingLink[], remove: (done: () => void) => void): void {
    for (const link of links) this.#names.set(keyOf(link), link.hostName);
    remove(() => {
      for (const link of links)
        if (this.#names.get(keyOf(link)) === link.hostName) this.#names.delete(keyOf(link));
    });
  }

  /** Name of the interface that had the address of an endpoint. */
  find(endpoint: Pick<Endpoint, "networkId" | "ipv4">): string | undefined {
    return this.#names.get(keyOf(endpoint));
  }
}
