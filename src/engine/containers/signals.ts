// Signals by name and number.

import { constants } from "node:os";
import { EngineError, invalid } from "#base/errors.ts";
import type { ContainerConfig } from "#spec/container-config.ts";

export const SIGKILL = 9;
const SIGTERM = 15;
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

/** What asks a container to end. A name that nobody knows can only be an image's: Docker takes SIGTERM then. */
export function stopSignalOf({ StopSignal: name = "" }: Pick<ContainerConfig, "StopSignal">): number {
  try {
    return name === "" ? SIGTERM : parseSignal(name);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return SIGTERM;
  }
}

/** Numbers that Linux has. */
export const isLinuxSignal = (number: number): boolean =>
  (number >= 1 && number <= 31) || (number >= RTMIN && number <= RTMAX);
