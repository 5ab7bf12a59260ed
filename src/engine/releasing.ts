// What is held while a stream is read.

export interface Holding {
  /** Idempotent. */
  readonly release: () => Promise<void>;
  /** Of whoever reads. */
  readonly signal: AbortSignal;
  /** Told of a release that fails when nobody waits for it any more. */
  readonly report: (error: unknown) => void;
}

/** The chunks. What is held is given back when the last one was taken, or at the signal: who hangs up may never have begun to read. */
export function releasing(
  chunks: AsyncIterable<Uint8Array>,
  { release, signal, report }: Holding,
): AsyncIterable<Uint8Array> {
  const onAbort = (): void => void release().catch(report);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return (async function* () {
    try {
      yield* chunks;
    } finally {
      signal.removeEventListener("abort", onAbort);
      await release();
    }
  })();
}
