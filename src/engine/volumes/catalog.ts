// Which volumes there are: the rows that are kept, and what plugins tell.

import { EngineError, prefixed } from "#base/errors.ts";
import type { DriverVolume, VolumeDriver, VolumeScope } from "./driver.ts";
import type { LocalDriver } from "./local-driver.ts";
import type { PluginDrivers } from "./plugin-drivers.ts";
import { isLocal, type VolumeRecord, type VolumeStore } from "./store.ts";

export interface Volume extends Omit<VolumeRecord, "driver"> {
  readonly driver: string;
  readonly scope: VolumeScope;
  /** Where its data is on the host. */
  readonly mountpoint: string;
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface VolumeList {
  readonly volumes: readonly Volume[];
  /** Of drivers that could not be asked. */
  readonly warnings: readonly string[];
}

export interface CatalogDeps {
  readonly store: Pick<VolumeStore, "find" | "forget" | "list">;
  readonly local: LocalDriver;
  readonly plugins: Pick<PluginDrivers, "get" | "all" | "answering" | "names" | "setSilent">;
  /** By containers. */
  readonly isUsed: (name: string) => boolean;
}

/** Milliseconds that plugins have when nobody asked for a volume of theirs: one that hangs must not hold up the rest. */
const LOOK_MS = 3000;

export class VolumeCatalog {
  readonly #deps: CatalogDeps;

  constructor(deps: CatalogDeps) {
    this.#deps = deps;
  }

  async list(signal: AbortSignal): Promise<VolumeList> {
    const { store, plugins } = this.#deps;
    const records = store.list();
    const own = records.filter(isLocal).map((record) => this.describeLocal(record));
    const asking = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]);
    const drivers = await plugins.all(asking);
    const answers = await Promise.all(drivers.map((driver) => this.#listOf(driver, asking)));
    signal.throwIfAborted();
    const asked = new Set(drivers.map(({ name }) => name));
    const absent = records.filter((record) => !isLocal(record) && !asked.has(record.driver ?? ""));
    return {
      volumes: [...own, ...answers.flatMap(({ volumes }) => volumes), ...absent.map(describeAbsent)],
      warnings: [
        ...answers.flatMap(({ warnings }) => warnings),
        ...[...new Set(absent.map(({ driver }) => driver))].map(
          (name) => `list ${name}: plugin "${name}" not found`,
        ),
      ],
    };
  }

  /** The volume of that name; a plugin's that is gone is forgotten. Rejects if that cannot be known. */
  async find(name: string, signal: AbortSignal): Promise<Volume | undefined> {
    const { store } = this.#deps;
    const record = store.find(name) ?? (await this.foreign(name, signal));
    if (record === undefined) return undefined;
    if (isLocal(record)) return this.describeLocal(record);
    const { driver = "" } = record;
    try {
      const plugin = await this.driverOf(record, signal);
      const known = await plugin.get(name, signal);
      if (known !== undefined) return describePlugins(record, known, await plugin.scope(signal));
    } catch (error) {
      throw withPrefix(
        `get ${name}: error while checking if volume "${name}" exists in driver "${driver}": `,
        error,
      );
    }
    if (!this.#deps.isUsed(name)) store.forget(name);
    return undefined;
  }

  /** A row for a volume that a plugin has and nobody here has used yet. */
  async foreign(name: string, signal: AbortSignal): Promise<VolumeRecord | undefined> {
    const asking = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]);
    const { plugins } = this.#deps;
    const asked = (await plugins.answering(asking)).map(async (driver) => {
      const found = await driver.get(name, asking).catch(() => {
        if (asking.aborted) plugins.setSilent(driver.name, true);
        return undefined;
      });
      return found === undefined ? [] : [{ ...blank, name, createdAt: found.createdAt, driver: driver.name }];
    });
    return (await Promise.all(asked)).flat()[0];
  }

  async #listOf(driver: VolumeDriver, signal: AbortSignal): Promise<VolumeList> {
    const { store } = this.#deps;
    try {
      const [found, scope] = await Promise.all([driver.list(signal), driver.scope(signal)]);
      this.#deps.plugins.setSilent(driver.name, false);
      const volumes = found.flatMap((known) => {
        const record = store.find(known.name) ?? {
          ...blank,
          name: known.name,
          createdAt: "",
          driver: driver.name,
        };
        return (record.driver ?? "local") === driver.name ? [describePlugins(record, known, scope)] : [];
      });
      return { volumes, warnings: [] };
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      const known = store.list().filter((record) => record.driver === driver.name);
      return { volumes: known.map(describeAbsent), warnings: [`list ${driver.name}: ${cause}`] };
    }
  }

  async driverOf(record: VolumeRecord, signal: AbortSignal): Promise<VolumeDriver> {
    return isLocal(record) ? this.#deps.local : await this.#deps.plugins.get(record.driver ?? "", signal);
  }

  describeLocal(record: VolumeRecord): Volume {
    const mountpoint = this.#deps.local.mountpoint(record.name);
    return { ...record, driver: "local", scope: "local", mountpoint };
  }
}

const blank = { anonymous: false, labels: null, options: null };

const describePlugins = (record: VolumeRecord, known: DriverVolume, scope: VolumeScope): Volume => ({
  ...record,
  driver: record.driver ?? "",
  createdAt: known.createdAt,
  scope,
  mountpoint: known.mountpoint,
  ...(known.status !== undefined && { status: known.status }),
});

/** Of a plugin that does not answer. */
const describeAbsent = (record: VolumeRecord): Volume => ({
  ...record,
  driver: record.driver ?? "",
  scope: "local",
  mountpoint: "",
});

/** The same failure with what was attempted before its words. */
export const withPrefix = (prefix: string, error: unknown): unknown =>
  error instanceof EngineError
    ? prefixed(prefix, error)
    : error instanceof Error
      ? new EngineError("system", `${prefix}${error.message}`, { cause: error })
      : error;
