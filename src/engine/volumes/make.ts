// Makes volumes, or finds the one that a request is about.

import { type Clock, formatTime } from "#base/clock.ts";
import { conflict } from "#base/errors.ts";
import { type CatalogDeps, type Volume, type VolumeCatalog, withPrefix } from "./catalog.ts";
import type { VolumeDriver } from "./driver.ts";
import type { LocalDriver } from "./local-driver.ts";
import { nameMissing, type VolumeRecord, type VolumeStore } from "./store.ts";

export interface VolumeRequest {
  /** "" makes an anonymous one. */
  readonly name: string;
  /** "" is "local", or that of the volume that is there. */
  readonly driver: string;
  /** null: not given, which inspect tells from an empty list. */
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
  /** Id of a container that is being made, or of a job: nobody can remove the volume until `release`. */
  readonly holder?: string;
  /** Rejects `conflict` if there is one of that name. */
  readonly mustBeNew?: boolean;
}

/** Docker's mark of volumes that nobody named. */
const ANONYMOUS_LABEL = "com.docker.volume.anonymous";

export interface MakerDeps {
  readonly clock: Clock;
  readonly store: VolumeStore;
  readonly local: LocalDriver;
  readonly plugins: Pick<CatalogDeps["plugins"], "get">;
  readonly catalog: VolumeCatalog;
}

/** Callers hold the lock of the volume's name. */
export class VolumeMaker {
  readonly #deps: MakerDeps;

  constructor(deps: MakerDeps) {
    this.#deps = deps;
  }

  /** The volume of that name that is there. Rejects `conflict` if it is not what was asked for. */
  async find(name: string, request: VolumeRequest, signal: AbortSignal): Promise<Volume | undefined> {
    const { store, local, catalog } = this.#deps;
    const stored = store.find(name);
    if (stored === undefined) return await this.#findForeign(name, request, signal);
    const { driver = "local" } = stored;
    const wanted = request.driver === "" ? driver : request.driver;
    if (wanted !== "local") await this.#driverNamed(wanted, name, signal);
    const volume = await catalog.find(name, signal).catch((error: unknown) => {
      const cause = error instanceof Error ? error.message.replace(`get ${name}: `, "") : String(error);
      throw conflict(
        `create ${name}: found reference to volume '${name}' in driver '${driver}', but got an error while checking the driver: ${cause}: volume name must be unique`,
      );
    });
    if (volume === undefined && store.find(name) !== undefined)
      throw conflict(
        `create ${name}: found references to volume '${name}' in driver '${driver}' but the volume was not found in the driver -- you may need to remove containers referencing this volume or force remove the volume to re-create it: volume name must be unique`,
      );
    if (volume === undefined) return undefined;
    if (wanted !== driver)
      throw conflict(
        `create ${name}: driver '${driver}' already has volume '${name}': volume name must be unique`,
      );
    if (driver === "local") await local.create(name, {}); // somebody may have removed the directory
    return volume;
  }

  /** A plugin's that nobody here has used yet; it is known here from now on. */
  async #findForeign(name: string, request: VolumeRequest, signal: AbortSignal): Promise<Volume | undefined> {
    const { store, catalog } = this.#deps;
    if (request.driver !== "" || request.name === "") return undefined;
    const record = await catalog.foreign(name, signal);
    if (record === undefined) return undefined;
    await store.add({ ...record, labels: request.labels, options: request.options });
    return await catalog.find(name, signal);
  }

  /** Nothing is left of it if it rejects. */
  async make(name: string, request: VolumeRequest, signal: AbortSignal): Promise<Volume> {
    const { clock } = this.#deps;
    const anonymous = request.name === "";
    const driver = request.driver || "local";
    const record: VolumeRecord = {
      name,
      createdAt: formatTime((clock.now() / 1_000_000_000n) * 1_000_000_000n),
      anonymous,
      labels: anonymous ? { ...request.labels, [ANONYMOUS_LABEL]: "" } : request.labels,
      options: request.options,
      ...(driver !== "local" && { driver }),
    };
    const options = request.options ?? {};
    return driver === "local"
      ? await this.#makeLocal(record, options)
      : await this.#makeForeign(driver, record, options, signal);
  }

  async #makeLocal(record: VolumeRecord, options: Readonly<Record<string, string>>): Promise<Volume> {
    const { store, local, catalog } = this.#deps;
    const { name } = record;
    local.check(name, options);
    await store.add(record, async () => {
      await using undo = new AsyncDisposableStack();
      undo.defer(() => local.remove(name));
      await local.create(name, options);
      undo.move();
    });
    return catalog.describeLocal(record);
  }

  async #makeForeign(
    driver: string,
    record: VolumeRecord,
    options: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Volume> {
    const { store, catalog } = this.#deps;
    const { name } = record;
    const plugin = await this.#driverNamed(driver, name, signal);
    try {
      if ((await plugin.get(name, signal)) === undefined) await plugin.create(name, options, signal);
    } catch (error) {
      throw withPrefix(`create ${name}: `, error);
    }
    await store.add(record);
    const made = await catalog.find(name, signal);
    if (made === undefined) throw nameMissing(name);
    return made;
  }

  #driverNamed(driver: string, volume: string, signal: AbortSignal): Promise<VolumeDriver> {
    return this.#deps.plugins.get(driver, signal).catch((error: unknown) => {
      throw withPrefix(`create ${volume}: `, error);
    });
  }
}
