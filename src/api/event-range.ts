// The query's `since` and `until`: "seconds" or "seconds.nanoseconds" of the epoch.

import { invalid } from "#base/errors.ts";

export interface EventRange {
  readonly since?: bigint;
  readonly until?: bigint;
}

export function parseEventRange(query: URLSearchParams): EventRange {
  const [since, until] = [readTime("since", query), readTime("until", query)];
  if (since !== undefined && until !== undefined && until < since)
    throw invalid(
      `\`since\` time (${query.get("since")}) cannot be after \`until\` time (${query.get("until")})`,
    );
  return { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
}

function readTime(name: string, query: URLSearchParams): bigint | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const [, seconds, fraction = ""] = /^(-?\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (seconds === undefined)
    throw invalid(`invalid value for '${name}': strconv.ParseInt: parsing "${text}": invalid syntax`);
  const nanoseconds = BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return BigInt(seconds) * 1_000_000_000n + nanoseconds;
}
