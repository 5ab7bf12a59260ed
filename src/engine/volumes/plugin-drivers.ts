// The volume drivers among the machine's plugins.

import { EngineError, prefixed } from "#base/errors.ts";
import type { PluginRegistry } from "../plugins/registry.ts";
import type { VolumeDriver } from "./driver.ts";
import { PluginVolumeDriver, pluginPatience } from "./plugin-driver.ts";

const INTERFACE = "VolumeDriver";

export class PluginDrivers {
  readonly #plugins: Pick<PluginRegistry, "get" | "speaking">;
  readonly #patience: typeof pluginPatience;
  readonly #drivers = new Map<string, PluginVolumeDriver>();
  readonly #silent = new Set<string>();

  constructor(plugins: Pick<PluginRegistry, "get" | "speaking">, patience = pluginPatience) {
    this.#plugins = plugins;
    this.#patience = patience;
  }

  /** Rejects in Docker's words if it is none. */
  async get(name: string, signal: AbortSignal): Promise<VolumeDriver> {
    const known = this.#drivers.get(name);
    if (known !== undefined) return known;
    try {
      const client = await this.#plugins.get(name, INTERFACE, signal);
      const driver = new PluginVolumeDriver(name, client, this.#patience);
      this.#drivers.set(name, driver);
      return driver;
    } catch (error) {
      throw error instanceof EngineError
        ? prefixed(`error looking up volume plugin ${name}: `, error)
        : error;
    }
  }

  /** All that there are now, asked for or not. */
  async all(signal: AbortSignal): Promise<readonly VolumeDriver[]> {
    const names = await this.#plugins.speaking(INTERFACE, signal);
    const known = [...new Set([...names, ...this.#drivers.keys()])];
    const found = await Promise.allSettled(known.map((name) => this.get(name, signal)));
    return found.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  }

  /** The same without those that `silence` was said of since they were last known to answer. */
  async answering(signal: AbortSignal): Promise<readonly VolumeDriver[]> {
    return (await this.all(signal)).filter(({ name }) => !this.#silent.has(name));
  }

  /** It did not answer in time: who does not need it need not wait for it again. */
  setSilent(name: string, isSilent: boolean): void {
    if (isSilent) this.#silent.add(name);
    else this.#silent.delete(name);
  }

  /** Those that were asked for before. */
  get names(): readonly string[] {
    return [...this.#drivers.keys()];
  }
}
