// Chance that can be repeated.

export interface Chance {
  readonly seed: number;
  /** In [0, below), whole. */
  pick(below: number): number;
}

/** mulberry32. */
export function openChance(seed = Number(process.env.GANTRY_TEST_SEED ?? Date.now() % 2 ** 31)): Chance {
  let state = seed >>> 0;
  return {
    seed,
    pick: (below) => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    },
  };
}
