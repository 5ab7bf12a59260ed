// Our bridges are exempt from what the host's iptables drop: looked at, put there and taken away.

import type { NetlinkMessage } from "#formats/netlink/message.ts";
import {
  decodeChain,
  decodeRule,
  dumpChains,
  dumpRules,
  type NftablesMessage,
} from "#formats/nftables/messages.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Op } from "#kernel/plan/ops.ts";
import {
  type Foreign,
  isExempt,
  planExemption,
  planExemptionRemoval,
  readForeign,
} from "./other-firewalls.ts";
import type { FamilyTable } from "./plan-table.ts";
import { ask } from "./queries.ts";

const never = new AbortController().signal;

export class Exemptions {
  readonly #executor: Pick<Executor, "run">;
  /** Name of our chain in the tables of iptables. */
  readonly #chain: string;
  /** What `areThere` must be given the replies to. */
  readonly queries: readonly Op[];

  constructor(executor: Pick<Executor, "run">, chain: string, tables: readonly FamilyTable[]) {
    this.#executor = executor;
    this.#chain = chain;
    this.queries = tables.flatMap(({ family }) => [
      ask("other chains", dumpChains(family)),
      ask("rules of iptables", dumpRules({ family, name: "filter" })),
    ]);
  }

  /** Or need not be. Other messages among the replies do no harm. */
  areThere(replies: readonly NetlinkMessage[], bridges: readonly string[]): boolean {
    return this.#readFrom(replies).every((foreign) => isExempt(foreign, bridges));
  }

  /** Nothing where nothing is dropped, and no chain of ours is. */
  async plan(bridges: () => readonly string[]): Promise<readonly NftablesMessage[]> {
    const others = await this.#read();
    return others
      .filter(({ drops, exemptions }) => drops || exemptions !== undefined)
      .flatMap((foreign) => planExemption(this.#chain, foreign, bridges()));
  }

  async planRemoval(): Promise<readonly NftablesMessage[]> {
    return (await this.#read()).flatMap((foreign) => planExemptionRemoval(this.#chain, foreign));
  }

  async #read(): Promise<readonly Foreign[]> {
    return this.#readFrom(repliesOf(await this.#executor.run(this.queries, never)));
  }

  #readFrom(replies: readonly NetlinkMessage[]): readonly Foreign[] {
    const chains = replies.map(decodeChain).filter((chain) => chain !== undefined);
    const rules = replies.map(decodeRule).filter((rule) => rule !== undefined);
    return readForeign(this.#chain, chains, rules);
  }
}
