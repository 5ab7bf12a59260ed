// Which lines of a log are asked for. Times are compared as the texts that the log has.

import { formatTime } from "#base/clock.ts";

/** Nanoseconds since the epoch, both inclusive. */
export interface LogRange {
  readonly since?: bigint;
  readonly until?: bigint;
}

export class TimeRange {
  readonly #since: Buffer | undefined;
  readonly #until: Buffer | undefined;
  #ended = false;

  constructor({ since, until }: LogRange) {
    this.#since = since === undefined ? undefined : timeText(since);
    this.#until = until === undefined ? undefined : timeText(until);
  }

  get isLimited(): boolean {
    return this.#since !== undefined || this.#until !== undefined;
  }

  /** A line later than the range was seen: there is no more to come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** `time`: as timeText makes it. */
  includes(time: Buffer): boolean {
    if (this.#since !== undefined && isBefore(time, this.#since)) return false;
    this.#ended = this.#until !== undefined && isBefore(this.#until, time);
    return !this.#ended;
  }
}

/** RFC 3339 without the Z: such texts compare as the times do. */
export const timeText = (nanoseconds: bigint): Buffer =>
  Buffer.from(formatTime(nanoseconds).slice(0, -1), "latin1");

const isBefore = (a: Buffer, b: Buffer): boolean => Buffer.compare(a, b) < 0;
