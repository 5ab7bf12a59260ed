// What the prunes of containers, images and volumes have in common.

import { parseTime } from "#base/clock.ts";
import { conflict, invalid } from "#base/errors.ts";
import { parseGoDuration } from "#formats/units.ts";
import type { EventBus, EventType } from "./events/events.ts";
import type { Filters } from "./filters.ts";

/** One prune at a time: a second one is refused. */
export class PruneTurn {
  #taken = false;

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken) throw conflict("a prune operation is already running");
    this.#taken = true;
    try {
      return await work();
    } finally {
      this.#taken = false;
    }
  }
}

/** `reclaimed`: bytes. */
export function publishPrune(events: Pick<EventBus, "publish">, type: EventType, reclaimed: number): void {
  events.publish({ type, action: "prune", actorId: "", attributes: { reclaimed: String(reclaimed) } });
}

/** The filter `until`: a time, of the daemon's zone if it names none, seconds since the epoch, or an age ("24h"). */
export function parseUntil(text: string, now: bigint): bigint {
  if (/^\d+(\.\d+)?$/.test(text)) return BigInt(Math.round(Number(text) * 1e9));
  const age = parseGoDuration(text);
  const time = age === undefined ? (parseTime(text) ?? parseLocalTime(text)) : now - BigInt(age);
  if (time === undefined) throw invalid(`invalid filter 'until=${text}'`);
  return time;
}

/** "2026-01-02", "2026-01-02T03", … "2026-01-02T03:04:05.6". */
function parseLocalTime(text: string): bigint | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?$/.exec(text);
  if (parts === null) return undefined;
  const [, day = "", hours = "00", minutes = "00", seconds = "00", fraction = ""] = parts;
  const milliseconds = new Date(`${day}T${hours}:${minutes}:${seconds}`).getTime(); // without a zone it is the local one
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** Of a prune, which takes one at most. */
export function readUntil(filters: Filters, now: bigint): bigint | undefined {
  const [text, ...more] = filters.values("until");
  if (more.length > 0) throw invalid("more than one until filter specified");
  return text === undefined ? undefined : parseUntil(text, now);
}
