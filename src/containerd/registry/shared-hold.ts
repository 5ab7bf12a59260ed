// What a pull holds (its lease, its connections) is given back when the pull has ended, and with it every piece of work that it began
// and that other pulls have joined.

export class SharedHold implements AsyncDisposable {
  readonly #held: AsyncDisposable;
  #users = 1;

  /** Whoever makes it is the first user: disposing it ends that use. */
  constructor(held: AsyncDisposable) {
    this.#held = held;
  }

  /** One more user. Only while there is one already. */
  share(): AsyncDisposable {
    this.#users++;
    return { [Symbol.asyncDispose]: () => this.#leave() };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#leave();
  }

  async #leave(): Promise<void> {
    this.#users--;
    if (this.#users === 0) await this.#held[Symbol.asyncDispose]();
  }
}
