// Query parameters as Docker reads them.

import { invalid } from "#base/errors.ts";

/** False when empty, "0", "no", "false" or "none" in any case; true for anything else. */
export function queryFlag(query: URLSearchParams, name: string): boolean {
  const text = (query.get(name) ?? "").trim().toLowerCase();
  return !["", "0", "no", "false", "none"].includes(text);
}

/** undefined if it is not given. */
export function queryNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? "";
  if (text === "") return undefined;
  if (!/^-?\d+$/.test(text)) throw invalid(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}
