// What is decompressed must not grow beyond measure, nor fill the disk: both would be noticed too late.

import { statfsSync } from "node:fs";
import { TarError } from "#formats/tar-entry.ts";

export interface InflationLimits {
  /** How many times its compressed size content may have; 0 is any. */
  readonly ratio: number;
  /** On the disk that it goes to. */
  readonly path: string;
}

/** What is smaller may be of any ratio. */
const HARMLESS = 1 << 30;
/** The disk is looked at after so many bytes, or more often where what stays free is less than that. */
const STEP = 16 << 20;
/** What stays free for the daemon and everything else: a part of the disk, up to an amount. */
const RESERVE_SHARE = 0.02;
const RESERVE = 256 << 20;

export class Inflation {
  readonly #limits: InflationLimits;
  /** Where the disk is looked at next. */
  #next = 0;

  constructor(limits: InflationLimits) {
    this.#limits = limits;
  }

  /** `compressed` bytes have become `plain` ones so far. Throws TarError. */
  check(compressed: number, plain: number): void {
    const { ratio, path } = this.#limits;
    if (ratio > 0 && plain > HARMLESS && plain > ratio * compressed)
      throw new TarError(
        `decompression bomb: ${compressed} bytes have become ${plain}, more than ${ratio} times as much (max-decompression-ratio)`,
      );
    if (plain < this.#next) return;
    const { bavail, blocks, bsize } = statfsSync(path);
    const reserve = Math.min(RESERVE, RESERVE_SHARE * blocks * bsize);
    this.#next = plain + Math.min(STEP, reserve / 2 || STEP);
    if (bavail * bsize < reserve)
      throw new TarError("no space left on device: what is left is kept for the daemon");
  }
}
