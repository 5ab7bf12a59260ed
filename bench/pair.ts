// Paired timing: ours, theirs, ours, theirs, … so that a drift of the machine's speed hits both alike.

export interface PairedFigures {
  readonly name: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** Does the thing once; resolves to the figure, in the unit of the measurement. */
type Sample = () => Promise<number>;

export async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await action();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

export interface Pair {
  readonly name: string;
  readonly unit: string;
  readonly rounds: number;
  readonly ours: Sample;
  readonly theirs: Sample;
}

/** One warm-up of each, then `rounds` pairs. */
export async function measurePair({ name, unit, rounds, ours, theirs }: Pair): Promise<PairedFigures> {
  await ours();
  await theirs();
  const figures = { ours: [] as number[], theirs: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    figures.ours.push(await ours());
    figures.theirs.push(await theirs());
  }
  return { name, unit, ...figures };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Median of theirs/ours, pair by pair. */
export const advantage = ({ ours, theirs }: PairedFigures): number =>
  median(ours.map((value, index) => (theirs[index] ?? Number.NaN) / value));
