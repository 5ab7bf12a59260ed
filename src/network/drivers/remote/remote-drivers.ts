// The plugins that networks are made by: one driver for each name, asked for when a network names it.

import { EngineError } from "#base/errors.ts";
import type { NetworkDriver } from "../driver.ts";
import { RemoteDriver, type RemoteDriverDeps } from "./remote-driver.ts";

export class RemoteDrivers {
  readonly #deps: Omit<RemoteDriverDeps, "stop" | "background">;
  readonly #drivers = new Map<string, RemoteDriver>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(deps: Omit<RemoteDriverDeps, "stop" | "background">) {
    this.#deps = deps;
  }

  readonly get = (name: string): NetworkDriver => {
    const known = this.#drivers.get(name);
    if (known !== undefined) return known;
    const { background } = this;
    const driver = new RemoteDriver({ ...this.#deps, stop: this.#stop.signal, background }, name);
    this.#drivers.set(name, driver);
    return driver;
  };

  readonly background = (work: Promise<void>): void => {
    const running = work.finally(() => this.#running.delete(running));
    this.#running.add(running);
  };

  /** Nothing is asked any more; what was not told is told by the next daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new EngineError("unavailable", "the daemon ends"));
    await Promise.all(this.#running);
  }
}
