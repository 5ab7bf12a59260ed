// How long somebody waits.

/** The longest time of a timer, about 25 days: Node makes a longer one end at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Aborts after that many milliseconds; negative is never. */
export const patience = (milliseconds: number): AbortSignal =>
  milliseconds < 0
    ? new AbortController().signal
    : AbortSignal.timeout(Math.min(Math.ceil(milliseconds), LONGEST_MS));
