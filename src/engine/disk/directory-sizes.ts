// Sizes of directories: one measurement at a time of each, its result kept for those who cannot wait for the next.

export interface DirectorySizes {
  /** Bytes. */
  size(path: string): Promise<number>;
}

export interface Measurer {
  measure(path: string): Promise<number>;
}

/** Results of directories that were last asked for are kept. */
const kept = 20_000;

export class MeasuredSizes implements DirectorySizes {
  readonly #measurer: Measurer;
  readonly #known = new Map<string, number>();
  readonly #running = new Map<string, Promise<number>>();

  constructor(measurer: Measurer) {
    this.#measurer = measurer;
  }

  /** As it is now. */
  size(path: string): Promise<number> {
    const running = this.#running.get(path) ?? this.#run(path);
    this.#running.set(path, running);
    return running;
  }

  /**
   * Measures anew, too, but what is not there within the time is told as of the last time; the measurement goes on for the next one
   * who asks. A directory that was never measured is waited for.
   */
  within(milliseconds: number): DirectorySizes {
    const late = new Promise<undefined>((resolve) => {
      setTimeout(() => resolve(undefined), milliseconds).unref();
    });
    return {
      size: async (path) => {
        const fresh = this.size(path);
        if (!this.#known.has(path)) return fresh;
        return (await Promise.race([fresh, late])) ?? this.#known.get(path) ?? fresh;
      },
    };
  }

  async #run(path: string): Promise<number> {
    try {
      const bytes = await this.#measurer.measure(path);
      this.#known.delete(path);
      this.#known.set(path, bytes); // the newest is the last
      const [oldest] = this.#known.keys();
      if (this.#known.size > kept && oldest !== undefined) this.#known.delete(oldest);
      return bytes;
    } finally {
      this.#running.delete(path);
    }
  }
}
