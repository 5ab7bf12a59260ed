// Holds what a pull has fetched until its image is saved. An interrupted pull's lease stays for a day, so that the next one finds
// the layers; the one that succeeds deletes what earlier ones left.

import { randomUUID } from "node:crypto";
import { formatReference, type Reference } from "#formats/reference.ts";
import type { LeaseService } from "../leases/leases.ts";
import type { Scope } from "../scope.ts";

const DAY_MS = 24 * 3600 * 1000;
const LABEL = "io.gantry.pull";

export interface PullLeaseDeps {
  readonly leases: LeaseService;
  /** Ids of the leases whose pulls run now, in this process. */
  readonly running: Set<string>;
}

export class PullLease implements AsyncDisposable {
  readonly scope: Scope;
  readonly #leases: LeaseService;
  readonly #running: Set<string>;
  readonly #id: string;
  readonly #name: string;
  #kept = false;

  private constructor({ leases, running }: PullLeaseDeps, namespace: string, name: string) {
    this.#leases = leases;
    this.#running = running;
    this.#id = `pull-${randomUUID()}`;
    this.#name = name;
    this.scope = { namespace, lease: this.#id };
  }

  static async open(
    deps: PullLeaseDeps,
    { namespace, reference }: { readonly namespace: string; readonly reference: Reference },
    now: number,
  ): Promise<PullLease> {
    const lease = new PullLease(deps, namespace, formatReference(reference));
    const expire = new Date(now + DAY_MS).toISOString();
    deps.running.add(lease.#id);
    await deps.leases.create({ namespace }, lease.#id, {
      "containerd.io/gc.expire": expire,
      [LABEL]: lease.#name,
    });
    return lease;
  }

  keep(): void {
    this.#kept = true;
  }

  async deleteEarlier(): Promise<void> {
    const scope = { namespace: this.scope.namespace };
    const found = await this.#leases.list(scope, [
      `labels.${JSON.stringify(LABEL)}==${JSON.stringify(this.#name)}`,
    ]);
    for (const { id } of found) if (!this.#running.has(id)) await this.#leases.delete(scope, id, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running.delete(this.#id);
    if (!this.#kept) await this.#leases.delete({ namespace: this.scope.namespace }, this.#id, false);
  }
}
