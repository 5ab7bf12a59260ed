// Who has a volume mounted: containers that run, and jobs of the engine. The driver is told of each. What plugins were asked to mount is
// kept, so that a daemon that comes after a crash can give it back. Callers hold the lock of the volume's name.

import { systemError } from "#base/errors.ts";
import { PluginRefusal } from "../plugins/client.ts";
import type { VolumeDriver } from "./driver.ts";
import { isLocal, nameMissing, type VolumeRecord, type VolumeStore } from "./store.ts";

export interface VolumeUseDeps {
  readonly store: Pick<VolumeStore, "find" | "pluginMounts" | "addPluginMount" | "deletePluginMount">;
  /** Rejects if it is a plugin that is not there. */
  readonly driverOf: (record: VolumeRecord) => Promise<VolumeDriver>;
}

export class VolumeUse {
  readonly #deps: VolumeUseDeps;
  /** Directories on the host by user, by volume. */
  readonly #users = new Map<string, Map<string, string>>();

  constructor(deps: VolumeUseDeps) {
    this.#deps = deps;
  }

  isUsing(name: string, user: string): boolean {
    const users = this.#users.get(name);
    return user === "" ? users !== undefined : users?.has(user) === true;
  }

  adopt(name: string, user: string, source: string): void {
    const users = this.#users.get(name) ?? new Map();
    this.#users.set(name, users.set(user, source));
  }

  /** Resolves with the directory of the data. Nothing stays mounted for the user if it rejects, as far as the driver answers. */
  async mount(name: string, user: string): Promise<string> {
    const known = this.#users.get(name)?.get(user);
    if (known !== undefined) return known;
    const { store, driverOf } = this.#deps;
    const record = store.find(name);
    if (record === undefined) throw nameMissing(name);
    const driver = await driverOf(record);
    if (!isLocal(record)) store.addPluginMount(name, user);
    try {
      const source = await driver.mount(name, user);
      this.adopt(name, user, source);
      return source;
    } catch (error) {
      if (error instanceof PluginRefusal) store.deletePluginMount(name, user);
      const place =
        (await driver.get(name, AbortSignal.timeout(1000)).catch(() => undefined))?.mountpoint ?? "";
      const cause = error instanceof Error ? error.message : String(error);
      throw systemError(`error while mounting volume '${place}': ${cause}`, { cause: error });
    }
  }

  /** Idempotent. */
  async unmount(name: string, user: string): Promise<void> {
    const users = this.#users.get(name);
    if (users === undefined || !users.delete(user)) return;
    if (users.size === 0) this.#users.delete(name);
    await this.giveBack(name, user);
  }

  /** What an earlier daemon asked for, too. */
  async unmountAll(name: string): Promise<void> {
    const kept = this.#deps.store.pluginMounts().filter(({ volume }) => volume === name);
    for (const { user } of kept) {
      this.#users.get(name)?.delete(user);
      await this.giveBack(name, user);
    }
    this.#users.delete(name);
  }

  /** The volume is no more. */
  forget(name: string): void {
    this.#users.delete(name);
  }

  /** Tells the driver. */
  async giveBack(name: string, user: string): Promise<void> {
    const { store, driverOf } = this.#deps;
    const record = store.find(name);
    if (record !== undefined) await (await driverOf(record)).unmount(name, user, !this.#users.has(name));
    store.deletePluginMount(name, user);
  }
}
