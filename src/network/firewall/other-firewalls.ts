// The iptables of the same host: dockerd and others set the policy of its chain FORWARD to DROP, and what one table drops no other can let through.
// So what our own table has let through is let through there, too, by rules behind everybody else's: in a chain of ours, two for each bridge.

import { interfaceIs, verdict } from "#formats/nftables/expressions.ts";
import {
  addChain,
  addRule,
  type ChainFound,
  deleteChain,
  deleteRule,
  flushChain,
  type NftablesMessage,
  type RuleFound,
  type Table,
} from "#formats/nftables/messages.ts";

const TABLE = "filter";
const CHAIN = "FORWARD";

/** What there is of one family's iptables. */
export interface Foreign {
  readonly table: Table;
  readonly drops: boolean;
  /** Rules of ours: those that jump to our chain, and how many are in it; undefined if there is no chain of ours. */
  readonly jumps: readonly RuleFound[];
  readonly exemptions: number | undefined;
}

/** `ours`: name of our chain there. */
export function readForeign(
  ours: string,
  chains: readonly ChainFound[],
  rules: readonly RuleFound[],
): readonly Foreign[] {
  return chains
    .filter(({ table, name }) => table.name === TABLE && name === CHAIN)
    .map(({ table, drops }) => {
      const within = rules.filter((rule) => rule.table.name === TABLE && rule.table.family === table.family);
      const isThere = chains.some(
        (chain) => chain.name === ours && chain.table.name === TABLE && chain.table.family === table.family,
      );
      return {
        ...{ table, drops },
        jumps: within.filter(
          ({ chain, expressions }) => chain === CHAIN && Buffer.from(expressions).includes(`${ours}\0`),
        ),
        exemptions: isThere ? within.filter(({ chain }) => chain === ours).length : undefined,
      };
    });
}

/** Our bridges are exempt there, or need not be. */
export const isExempt = ({ drops, jumps, exemptions }: Foreign, bridges: readonly string[]): boolean =>
  !drops || (jumps.length > 0 && exemptions === 2 * bridges.length);

export function planExemption(
  ours: string,
  { table, jumps }: Foreign,
  bridges: readonly string[],
): readonly NftablesMessage[] {
  return [
    addChain(table, ours),
    flushChain(table, ours),
    ...bridges.flatMap((bridge) => [
      addRule(table, ours, [...interfaceIs("iifname", "==", bridge), verdict("accept")]),
      addRule(table, ours, [...interfaceIs("oifname", "==", bridge), verdict("accept")]),
    ]),
    ...(jumps.length > 0 ? [] : [addRule(table, CHAIN, [verdict({ jump: ours })])]),
  ];
}

/** Nothing of ours is left there. */
export const planExemptionRemoval = (
  ours: string,
  { table, jumps, exemptions }: Foreign,
): readonly NftablesMessage[] =>
  exemptions === undefined
    ? []
    : [
        ...jumps.map(({ handle }) => deleteRule(table, CHAIN, handle)),
        flushChain(table, ours),
        deleteChain(table, ours),
      ];
