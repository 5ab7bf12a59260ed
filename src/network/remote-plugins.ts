// The plugins that networks are made by, and that give them addresses: one of each kind for each name, asked for when a network names it.

import { EngineError } from "#base/errors.ts";
import type { NetworkDriver } from "./drivers/driver.ts";
import { RemoteDriver, type RemoteDriverDeps } from "./drivers/remote/remote-driver.ts";
import type { IpamDriver } from "./ipam/ipam-driver.ts";
import { RemoteIpam, type RemoteIpamDeps } from "./ipam/remote-ipam.ts";

export type RemotePluginsDeps = Omit<RemoteDriverDeps & RemoteIpamDeps, "stop" | "background">;

export class RemotePlugins {
  readonly #deps: RemotePluginsDeps;
  readonly #drivers = new Map<string, RemoteDriver>();
  readonly #ipams = new Map<string, RemoteIpam>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(deps: RemotePluginsDeps) {
    this.#deps = deps;
  }

  readonly driver = (name: string): NetworkDriver => {
    const found = this.#drivers.get(name) ?? new RemoteDriver(this.#own(), name);
    this.#drivers.set(name, found);
    return found;
  };

  readonly ipam = (name: string): IpamDriver => {
    const found = this.#ipams.get(name) ?? new RemoteIpam(this.#own(), name);
    this.#ipams.set(name, found);
    return found;
  };

  #own(): RemoteDriverDeps & RemoteIpamDeps {
    return { ...this.#deps, stop: this.#stop.signal, background: this.background };
  }

  readonly background = (work: Promise<void>): void => {
    const running = work.finally(() => this.#running.delete(running));
    this.#running.add(running);
  };

  /** After a restart: all that there still is has been told. */
  restored(): void {
    for (const name of this.#deps.given.plugins()) this.ipam(name);
    for (const { retaking } of this.#ipams.values()) retaking.done();
  }

  /** Nothing is asked any more; what was not told is told by the next daemon. */
  stop(): void {
    this.#stop.abort(new EngineError("unavailable", "the daemon ends"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await Promise.all(this.#running);
  }
}
