// What the kernel has open of the containers' own addresses, so that a change takes out and puts in only what differs by it.

import type { NftablesMessage } from "#formats/nftables/messages.ts";
import { opening, type Scope } from "./contents.ts";
import { openElements, openRanges } from "./open-ports.ts";
import { type FamilyTable, planFill, planTakeOut } from "./plan-table.ts";
import type { Publication } from "./published.ts";

/** `added` take the place of `changed`. */
interface Change {
  readonly changed: readonly Publication[];
  readonly added: readonly Publication[];
  /** All that are published but for `changed`; asked only if it matters. */
  readonly others: () => readonly Publication[];
}

export class OpenedPorts {
  #ranges = new Map<string, ReturnType<typeof openRanges>>();

  planChange(
    table: FamilyTable,
    scope: Scope,
    { changed, added, others }: Change,
  ): readonly NftablesMessage[] {
    const { facts, family } = table;
    const addresses = new Set(opening(facts, scope, changed).map(({ containerAddress }) => containerAddress));
    if (addresses.size === 0) return [];
    const all = opening(facts, scope, [...others(), ...added]);
    return [...addresses].flatMap((address) => {
      const before = openElements(facts, this.#ranges.get(`${family} ${address}`) ?? []);
      const ranges = openRanges(all.filter(({ containerAddress }) => containerAddress === address));
      this.#ranges.set(`${family} ${address}`, ranges);
      return [
        ...planTakeOut(table, new Map([["open", before]])),
        ...planFill(table, new Map([["open", openElements(facts, ranges)]])),
      ];
    });
  }

  /** The tables are made anew with those. */
  reset(tables: readonly FamilyTable[], scope: Scope, publications: readonly Publication[]): void {
    this.#ranges = new Map(
      tables.flatMap(({ facts, family }) => {
        const ranges = openRanges(opening(facts, scope, publications));
        return [...Map.groupBy(ranges, ({ address }) => `${family} ${address}`)];
      }),
    );
  }
}
