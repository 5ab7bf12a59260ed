// Volumes: which there are, who uses them, and which driver keeps their data.
//
//   row ─┬─ driver "local": the engine's own        a volume is there when its row is
//        └─ a plugin                                a volume is there when the plugin says so; the row has its labels
//
// Calls for one volume take turns, so that a plugin that hangs holds up nothing but its own volumes.

import { randomBytes } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { conflict } from "#base/errors.ts";
import { NamedLocks } from "#base/named-locks.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { type CatalogDeps, type Volume, VolumeCatalog, type VolumeList, withPrefix } from "./catalog.ts";
import { VolumeFiller } from "./fill.ts";
import type { LocalDriver } from "./local-driver.ts";
import { VolumeMaker, type VolumeRequest } from "./make.ts";
import type { VolumeContent } from "./populate.ts";
import { isLocal, nameMissing, type VolumeRecord, type VolumeStore } from "./store.ts";
import { VolumeUse } from "./use.ts";

export interface VolumeDeps {
  readonly executor: Pick<Executor, "run">;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  /** Closed with the volumes. */
  readonly database: { close(): void };
  readonly store: VolumeStore;
  readonly local: LocalDriver;
  readonly plugins: CatalogDeps["plugins"];
  /** Ids of the containers, running or not, that refer to the volume. */
  readonly usersOf: (volume: string) => readonly string[];
}

const never = new AbortController().signal;

export class Volumes implements Disposable {
  readonly #deps: VolumeDeps;
  readonly #locks = new NamedLocks();
  readonly #use: VolumeUse;
  readonly #catalog: VolumeCatalog;
  readonly #maker: VolumeMaker;
  readonly #filler: VolumeFiller;
  /** Containers that are being made and jobs of the engine, and their volumes. */
  readonly #held = new Map<string, Set<string>>();

  constructor(deps: VolumeDeps) {
    this.#deps = deps;
    this.#catalog = new VolumeCatalog({ ...deps, isUsed: (name) => this.usersOf(name).length > 0 });
    this.#use = new VolumeUse({
      store: deps.store,
      driverOf: (record) => this.#catalog.driverOf(record, never),
    });
    this.#maker = new VolumeMaker({ ...deps, catalog: this.#catalog });
    this.#filler = new VolumeFiller({ ...deps, use: this.#use });
  }

  /** Finishes what a daemon was in the middle of when it ended. Before anything else is asked. */
  async recover(): Promise<void> {
    const { store, local } = this.#deps;
    for (const name of store.unfinished) {
      await local.remove(name);
      store.forget(name);
    }
    await this.#filler.recover();
  }

  /** Gives back what is mounted for nobody: what living containers use has been adopted. Rejects when it has tried all. */
  async releaseUnused(): Promise<void> {
    const failures: unknown[] = [];
    const release = async (name: string, user: string): Promise<void> => {
      using _held = await this.#locks.acquire(name);
      if (!this.#use.isUsing(name, user)) await this.#use.giveBack(name, user);
    };
    const left = [
      ...(await this.#deps.local.mounted()).map((volume) => ({ volume, user: "" })),
      ...this.#deps.store.pluginMounts(),
    ];
    await Promise.all(
      left.map(({ volume, user }) => release(volume, user).catch((error: unknown) => failures.push(error))),
    );
    if (failures.length > 0)
      throw new AggregateError(failures, `volumes stay mounted: ${failures.join("; ")}`);
  }

  /** The engine's own that have no options: those that have a size and are pruned, as with dockerd. */
  plain(): readonly Volume[] {
    return this.#deps.store
      .list()
      .filter((record) => isLocal(record) && Object.keys(record.options ?? {}).length === 0)
      .map((record) => this.#catalog.describeLocal(record));
  }

  /** The engine's own and those of all plugins. */
  list(signal: AbortSignal): Promise<VolumeList> {
    return this.#catalog.list(signal);
  }

  /** Of the plugins that have been used. */
  pluginNames(): readonly string[] {
    return this.#deps.plugins.names;
  }

  /** Rejects notFound, and if its plugin cannot be asked. */
  async get(name: string, signal: AbortSignal): Promise<Volume> {
    using _held = await this.#locks.acquire(name);
    return await this.#get(name, signal);
  }

  /** The same; nobody can remove it until `release`. */
  async hold(name: string, holder: string, signal: AbortSignal): Promise<Volume> {
    using _held = await this.#locks.acquire(name);
    const found = await this.#get(name, signal);
    this.#hold(name, holder);
    return found;
  }

  async #get(name: string, signal: AbortSignal): Promise<Volume> {
    const found = await this.#catalog.find(name, signal);
    if (found === undefined) throw nameMissing(name);
    return found;
  }

  #hold(name: string, holder: string): void {
    const held = this.#held.get(holder) ?? new Set();
    this.#held.set(holder, held.add(name));
  }

  /** The existing one if the name is taken. */
  async create(request: VolumeRequest, signal: AbortSignal): Promise<Volume> {
    const name = request.name === "" ? randomBytes(32).toString("hex") : request.name;
    using _held = await this.#locks.acquire(name);
    signal.throwIfAborted();
    const there = await this.#maker.find(name, request, signal);
    if (there !== undefined && request.mustBeNew === true)
      throw conflict(`create ${name}: there is a volume of that name`);
    const volume = there ?? (await this.#maker.make(name, request, signal));
    if (request.holder !== undefined) this.#hold(name, request.holder);
    this.#publish(volume, "create");
    return volume;
  }

  /** The container is made, or is not made after all; the job is done. */
  release(holder: string): void {
    this.#held.delete(holder);
  }

  /** For a container that starts; resolves with the directory of the data on the host. Idempotent for each user. */
  async mount(name: string, user: string): Promise<string> {
    using _held = await this.#locks.acquire(name);
    const path = await this.#use.mount(name, user);
    await this.#filler.clearHalf(name, path);
    return path;
  }

  /** For a container that an earlier daemon has started. */
  adopt(name: string, user: string, source: string): void {
    this.#use.adopt(name, user, source);
  }

  /** Idempotent. */
  async unmount(name: string, user: string): Promise<void> {
    using _held = await this.#locks.acquire(name);
    await this.#use.unmount(name, user);
  }

  /** An empty volume gets what an image has there. */
  async populate(name: string, from: Omit<VolumeContent, "mountpoint">, signal: AbortSignal): Promise<void> {
    using _held = await this.#locks.acquire(name);
    await this.#filler.populate(name, from, signal);
  }

  /** Runs what puts files into an empty volume, mounted there. Nothing is in it if that rejects, or the daemon ends meanwhile. */
  fill(name: string, mountpoint: string, work: () => Promise<void>): Promise<void> {
    return this.#filler.fill(name, mountpoint, work);
  }

  /** Rejects `conflict` while a container refers to it. After a failure it can be tried again; `force`: a plugin's is forgotten then. */
  async remove(name: string, force = false): Promise<void> {
    using _held = await this.#locks.acquire(name);
    const { store } = this.#deps;
    const users = this.usersOf(name);
    const record = store.find(name) ?? (await this.#catalog.foreign(name, never));
    if (record === undefined) throw nameMissing(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
    if (isLocal(record)) await this.#removeLocal(name);
    else await this.#removeForeign(record, force);
    this.#publish(record, "destroy");
  }

  /** Ids of the containers that refer to it. */
  usersOf(name: string): readonly string[] {
    const holders = [...this.#held].filter(([, names]) => names.has(name)).map(([holder]) => holder);
    return [...new Set([...this.#deps.usersOf(name), ...holders])];
  }

  [Symbol.dispose](): void {
    this.#deps.database.close();
  }

  async #removeLocal(name: string): Promise<void> {
    const { store, local } = this.#deps;
    const cancel = store.startRemoval(name);
    try {
      await local.remove(name);
    } catch (error) {
      cancel();
      throw error;
    }
    this.#use.forget(name);
    store.forget(name);
  }

  async #removeForeign(record: VolumeRecord, force: boolean): Promise<void> {
    const { name, driver = "" } = record;
    const { store, plugins } = this.#deps;
    try {
      const found = await plugins.get(driver, never).catch((error: unknown) => {
        if (force) return undefined;
        throw withPrefix(`remove ${driver}: `, error);
      });
      await this.#use.unmountAll(name); // a container that is gone may not have got so far
      await found?.remove(name).catch((error: unknown) => {
        throw withPrefix(`remove ${name}: `, error);
      });
    } catch (error) {
      if (force) store.forget(name);
      throw error;
    }
    store.forget(name);
  }

  #publish({ name, driver = "local" }: Pick<VolumeRecord, "name" | "driver">, action: string): void {
    this.#deps.events.publish({ type: "volume", action, actorId: name, attributes: { driver } });
  }
}
