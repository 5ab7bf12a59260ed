// Moments as users give them to `--since` and `--until`: a duration ago, a date, seconds since the epoch.

import { parseGoDuration } from "#formats/units.ts";

const NANO = 1_000_000_000n;

const formatNano = (nanoseconds: bigint): string =>
  `${nanoseconds / NANO}.${String(nanoseconds % NANO).padStart(9, "0")}`;

/** Dates without a zone are of the local one. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}(?::\d{2}(?::\d{2})?)?(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$/;

function normaliseDate(text: string): string {
  const [, hours] = /^\d{4}-\d{2}-\d{2}(T\d{2}(?::\d{2}(?::\d{2})?)?)?/.exec(text) ?? [];
  const clock = hours === undefined ? "T00:00:00" : `${hours}${":00".repeat(3 - hours.split(":").length)}`;
  const zone = /(Z|[+-]\d{2}:\d{2})$/.exec(text.slice(10))?.[1] ?? "";
  return `${text.slice(0, 10)}${clock}${zone}`;
}

/** "seconds.nanoseconds" for the daemon; "" stays. `what` is named in errors. Throws an Error in Docker's words. */
export function parseMoment(text: string, now: number, what?: string): string {
  if (text === "") return "";
  const ago = parseGoDuration(text);
  if (ago !== undefined) return formatNano(BigInt(now) * 1_000_000n - BigInt(ago));
  if (/^\d+(\.\d{1,9})?$/.test(text)) {
    const [seconds = "0", fraction = ""] = text.split(".");
    return `${seconds}.${fraction.padEnd(9, "0")}`;
  }
  const found = DATE.exec(text);
  const milliseconds = found === null ? Number.NaN : Date.parse(normaliseDate(text));
  if (Number.isNaN(milliseconds))
    throw new Error(
      `${what === undefined ? "" : `invalid value for "${what}": `}failed to parse value as time or duration: ${JSON.stringify(text)}`,
    );
  const fraction = (found?.[1] ?? ".0").slice(1, 10).padEnd(9, "0");
  return formatNano(BigInt(Math.trunc(milliseconds / 1000)) * NANO + BigInt(fraction));
}
