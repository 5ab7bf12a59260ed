// How often a bar is told anew: as fast as a terminal can show it.

/** Bars of one layer are told at most this often. */
const PACE_MS = 100;

export class Pace {
  readonly #now: () => number;
  readonly #last = new Map<string, { readonly what: string; readonly at: number }>();

  /** `now`: milliseconds, of any origin. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The first bar of its kind, the full one, and some between. */
  isTime(
    id: string,
    what: string,
    { current, total }: { readonly current: number; readonly total: number },
  ): boolean {
    const at = this.#now();
    const last = this.#last.get(id);
    if (last !== undefined && last.what === what && at - last.at < PACE_MS && current < total) return false;
    this.#last.set(id, { what, at });
    return true;
  }

  forget(id: string): void {
    this.#last.delete(id);
  }
}
