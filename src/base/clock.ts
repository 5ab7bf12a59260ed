// Wall-clock time in nanoseconds, as Docker's records and events carry it.

export interface Clock {
  /** Nanoseconds since the epoch. */
  now(): bigint;
}

/** The machine's clock, monotonic between two steps of the wall clock of less than a second. */
export function openSystemClock(): Clock {
  let offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  return {
    now: () => {
      const time = process.hrtime.bigint() + offset;
      const drift = BigInt(Date.now()) * 1_000_000n - time;
      if (drift > -1_000_000_000n && drift < 1_000_000_000n) return time;
      offset += drift; // someone set the clock
      return time + drift;
    },
  };
}

/** Go's zero time. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

/** RFC 3339 with nanoseconds, trailing zeros dropped, as Go's RFC3339Nano. */
export function formatTime(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n;
  const fraction = String(nanoseconds % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${fraction === "" ? "" : `.${fraction}`}Z`;
}

/** Nanoseconds since the epoch; undefined if the text is no RFC 3339 time. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return undefined;
  const milliseconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}
