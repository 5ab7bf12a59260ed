// `--filter name=value`, given once or more.

import type { Filters } from "#client/engine-client.ts";
import { list } from "../grammar/flags.ts";

export const filterFlag = list("filter", {
  short: "f",
  value: "filter",
  about: "Filter output based on conditions provided",
});

export const pruneFilterFlag = list("filter", {
  value: "filter",
  about: 'Provide filter values (e.g. "label=<key>=<value>")',
});

/** Throws an Error in Docker's words. */
export function parseFilters(texts: readonly string[]): Filters {
  const filters: Record<string, readonly string[]> = {};
  for (const text of texts.filter((one) => one !== "")) {
    const equals = text.indexOf("=");
    if (equals < 0) throw new Error("invalid argument: bad format of filter (expected name=value)");
    const name = text.slice(0, equals).trim().toLowerCase();
    filters[name] = [...(filters[name] ?? []), text.slice(equals + 1).trim()];
  }
  return filters;
}
