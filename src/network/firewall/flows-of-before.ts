// Connections and flows of datagrams that containers had whose addresses are free again: they are forgotten, and whoever gets an address
// waits for that, as what is sent to the one of before would come to the new one.

import { readFile } from "node:fs/promises";
import { forgetAddress } from "#formats/conntrack.ts";
import { parseAddress } from "#formats/ip-prefix.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { forget } from "./flows.ts";

export interface FlowsDeps {
  readonly executor: Pick<Executor, "run">;
  readonly warn: (message: string) => void;
}

const never = new AbortController().signal;
const COUNT = "/proc/sys/net/netfilter/nf_conntrack_count";

export class FlowsOfBefore {
  readonly #deps: FlowsDeps;
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(deps: FlowsDeps) {
    this.#deps = deps;
  }

  /** Nobody has the addresses any more. Nothing waits for it but who gets one of them. */
  forget(addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    const going = this.#forget(addresses)
      .catch((error: unknown) => this.#deps.warn(`connections of before are left: ${String(error)}`))
      .finally(() => {
        for (const address of addresses)
          if (this.#leaving.get(address) === going) this.#leaving.delete(address);
      });
    for (const address of addresses) this.#leaving.set(address, going);
  }

  /** The kernel looks through its whole table for each address, a millisecond or two: not if nothing is in it. */
  async #forget(addresses: readonly string[]): Promise<void> {
    if (Number(await readFile(COUNT, "utf8").catch(() => "0")) === 0) return;
    const messages = addresses.flatMap((address) => forgetAddress(parseAddress(address)));
    await this.#deps.executor.run(
      messages.flatMap((message) => forget([message])),
      never,
    );
  }

  /** Nothing of before comes to the addresses any more. */
  async gone(addresses: readonly string[]): Promise<void> {
    await Promise.all(addresses.map((address) => this.#leaving.get(address)));
  }
}
