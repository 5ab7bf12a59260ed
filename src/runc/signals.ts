import { constants } from "node:os";
import { invalid } from "#base/errors.ts";

/** "KILL", "SIGKILL", "kill" or a number. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^(SIG)?/, "SIG");
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  if (number === undefined) throw invalid(`unknown signal "${text}"`);
  return number;
}
