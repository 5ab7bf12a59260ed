// The batches that make the tables, fill their sets, and take elements out again.

import {
  addBaseChain,
  addChain,
  addRule,
  addTable,
  flushChain,
  type NftablesMessage,
  type Table,
} from "#formats/nftables/messages.ts";
import { addElements, addSet, countShown, deleteElements, flushSet } from "#formats/nftables/sets.ts";
import type { Contents } from "./contents.ts";
import type { Family } from "./families.ts";
import { baseChains, rulesOf, type SetName, setShapes, USER_CHAIN } from "./table.ts";

/** The table of a family. */
export interface FamilyTable extends Table {
  readonly facts: Family;
}

const setsOf = ({ facts }: FamilyTable) => Object.entries(setShapes(facts));

/** Makes the table what it should be, whatever is left of it; the administrator's chain keeps its rules. */
export function planTable(table: FamilyTable, contents: Contents): readonly NftablesMessage[] {
  const rules = rulesOf(table.facts);
  const inner = [...rules.keys()].filter((chain) => !(chain in baseChains));
  return [
    addTable(table),
    ...[USER_CHAIN, ...inner].map((chain) => addChain(table, chain)),
    ...Object.entries(baseChains).map(([name, base]) => addBaseChain(table, name, base)),
    ...setsOf(table).map(([name, shape], index) => addSet(table, name, index + 1, shape)),
    ...[...rules.keys()].map((chain) => flushChain(table, chain)),
    ...setsOf(table).map(([name]) => flushSet(table, name)),
    ...[...rules].flatMap(([chain, list]) => list.map((rule) => addRule(table, chain, rule))),
    ...planFill(table, contents),
  ];
}

export function planFill(table: FamilyTable, contents: Contents): readonly NftablesMessage[] {
  const shapes = setShapes(table.facts);
  return [...contents].flatMap(([name, elements]) => addElements(table, name, shapes[name], elements));
}

export function planTakeOut(table: FamilyTable, contents: Contents): readonly NftablesMessage[] {
  const shapes = setShapes(table.facts);
  return [...contents].flatMap(([name, elements]) => deleteElements(table, name, shapes[name], elements));
}

export const setNamesOf = (table: FamilyTable): readonly string[] => setsOf(table).map(([name]) => name);

/** How many elements the kernel shows for all of them. */
export function countContents({ facts }: FamilyTable, contents: Contents): number {
  const shapes: Readonly<Record<SetName, Parameters<typeof countShown>[0]>> = setShapes(facts);
  return [...contents].reduce((count, [name, elements]) => count + countShown(shapes[name], elements), 0);
}
