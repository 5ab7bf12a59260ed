// Fills volumes: from an image, an archive or another volume. A volume is marked until that is done, so that what a daemon left half done
// when it ended is taken out before anybody uses it.

import { randomBytes } from "node:crypto";
import type { Executor } from "#kernel/plan/executor.ts";
import type { LocalDriver } from "./local-driver.ts";
import { attributesOf, deviceOf } from "./local-options.ts";
import { clearVolume, hasContent, populateVolume, type VolumeContent } from "./populate.ts";
import { isLocal, type VolumeRecord, type VolumeStore } from "./store.ts";
import type { VolumeUse } from "./use.ts";

export interface FillerDeps {
  readonly executor: Pick<Executor, "run">;
  readonly store: Pick<VolumeStore, "find" | "filling" | "isFilling" | "setFilling">;
  readonly local: Pick<LocalDriver, "mountpoint">;
  readonly use: Pick<VolumeUse, "mount" | "unmount">;
  /** Ids of the containers that refer to the volume. */
  readonly usersOf: (volume: string) => readonly string[];
}

/** A directory that is there without being mounted. */
const isPlain = (record: VolumeRecord | undefined): boolean =>
  record !== undefined && isLocal(record) && deviceOf(record.options ?? {}) === undefined;

export class VolumeFiller {
  readonly #deps: FillerDeps;
  /** Those that this daemon is filling now. */
  readonly #active = new Set<string>();

  constructor(deps: FillerDeps) {
    this.#deps = deps;
  }

  /** Of volumes that must be mounted first, what is half done goes when they are. */
  async recover(): Promise<void> {
    const { store, local } = this.#deps;
    for (const name of store.filling())
      if (isPlain(store.find(name))) await this.clearHalf(name, local.mountpoint(name));
  }

  /** Takes out what an earlier daemon has left half done. */
  async clearHalf(name: string, mountpoint: string): Promise<void> {
    const { store, executor } = this.#deps;
    if (!store.isFilling(name) || this.#active.has(name)) return;
    await clearVolume(executor, mountpoint);
    store.setFilling(name, false);
  }

  /** An empty volume gets what an image has there. The caller holds the lock of the volume's name. */
  async populate(name: string, from: Omit<VolumeContent, "mountpoint">, signal: AbortSignal): Promise<void> {
    const { store, executor, use } = this.#deps;
    const record = store.find(name);
    if (!isPlain(record) && !(await hasContent(executor, from, signal))) return;
    const user = `fill-${randomBytes(8).toString("hex")}`;
    const mountpoint = await use.mount(name, user);
    try {
      await this.clearHalf(name, mountpoint);
      const keepsAttributes = Object.keys(attributesOf(record?.options ?? {})).length > 0;
      // What others have written meanwhile must not be taken for half a copy.
      const onBegin = (): void => {
        if (this.#deps.usersOf(name).length === 0) store.setFilling(name, true);
      };
      const onEnd = (): void => {
        if (store.isFilling(name)) store.setFilling(name, false);
      };
      await populateVolume(executor, { ...from, mountpoint, keepsAttributes, onBegin, onEnd }, signal);
    } finally {
      await use.unmount(name, user);
    }
  }

  /** Runs what puts files into an empty volume, mounted there. */
  async fill(name: string, mountpoint: string, work: () => Promise<void>): Promise<void> {
    const { store, executor } = this.#deps;
    store.setFilling(name, true);
    this.#active.add(name);
    try {
      await work().catch(async (error: unknown) => {
        await clearVolume(executor, mountpoint);
        store.setFilling(name, false);
        throw error;
      });
      store.setFilling(name, false);
    } finally {
      this.#active.delete(name);
    }
  }
}
