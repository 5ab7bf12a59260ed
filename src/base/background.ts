// Work that goes on after a request was answered. The daemon waits for it before it ends.

export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #report: (error: unknown) => void;

  /** `report` is told of failures: nobody else waits for this work. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  run(task: () => Promise<void>): void {
    const work: Promise<void> = task()
      .catch(this.#report)
      .finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** Resolves when nothing is running any more. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
