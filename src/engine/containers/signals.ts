// Signals by name and number.

import { constants } from "node:os";
import { invalid } from "#base/errors.ts";

const RTMIN = 34;
const RTMAX = 64;

/** "SIGTERM", "term", "15", "RTMIN+3". */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0) throw invalid(`Invalid signal: ${text}`);
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const realtime = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (realtime !== null) {
    const number = (realtime[1] === "MIN" ? RTMIN : RTMAX) + Number(realtime[2] ?? 0);
    if (number >= RTMIN && number <= RTMAX) return number;
    throw invalid(`Invalid signal: ${text}`);
  }
  const number = Object.entries(constants.signals).find(([known]) => known === `SIG${name}`)?.[1];
  if (number === undefined) throw invalid(`Invalid signal: ${text}`);
  return number;
}

/** Numbers that Linux has. */
export const isLinuxSignal = (number: number): boolean =>
  (number >= 1 && number <= 31) || (number >= RTMIN && number <= RTMAX);
