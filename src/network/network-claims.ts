// Networks that endpoints are about to be made on: they cannot be removed meanwhile.

import type { LiveNetwork } from "./live-network.ts";

export class NetworkClaims {
  /** How many endpoints are being made on a network. */
  readonly #claims = new Map<string, number>();

  has(networkId: string): boolean {
    return this.#claims.has(networkId);
  }

  add(networks: readonly LiveNetwork[]): void {
    for (const { record } of networks) this.#claims.set(record.id, (this.#claims.get(record.id) ?? 0) + 1);
  }

  /** The endpoints are there, or will not be. */
  release(networks: readonly LiveNetwork[]): void {
    for (const { record } of networks) {
      const left = (this.#claims.get(record.id) ?? 1) - 1;
      if (left > 0) this.#claims.set(record.id, left);
      else this.#claims.delete(record.id);
    }
  }
}
