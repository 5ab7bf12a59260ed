// `--filter name=value`, given once or more.

import type { Filters } from "#client/engine-client.ts";
import { listOf } from "../grammar/flags.ts";

function checkFilter(text: string): string {
  if (text !== "" && !text.includes("=")) throw new Error("bad format of filter (expected name=value)");
  return text;
}

export const filterFlag = listOf(
  "filter",
  { short: "f", value: "filter", about: "Filter output based on conditions provided" },
  checkFilter,
);

export const pruneFilterFlag = listOf(
  "filter",
  { value: "filter", about: 'Provide filter values (e.g. "label=<key>=<value>")' },
  checkFilter,
);

/** Of texts that the flag has checked. */
export function parseFilters(texts: readonly string[]): Filters {
  const filters: Record<string, readonly string[]> = {};
  for (const text of texts.filter((one) => one !== "")) {
    const equals = text.indexOf("=");
    const name = text.slice(0, equals).trim().toLowerCase();
    filters[name] = [...(filters[name] ?? []), text.slice(equals + 1).trim()];
  }
  return filters;
}
