// Builds the volumes of a data root: volumes/metadata.db, and a directory for each of the engine's own.

import { lookup } from "node:dns/promises";
import { join } from "node:path";
import { openDatabase } from "#base/database.ts";
import type { PluginRegistry } from "../plugins/registry.ts";
import { LocalDriver, makeDirectory } from "./local-driver.ts";
import { PluginDrivers } from "./plugin-drivers.ts";
import { VolumeStore, volumeSchema } from "./store.ts";
import { type VolumeDeps, Volumes } from "./volumes.ts";

export interface OpenVolumesDeps extends Pick<VolumeDeps, "executor" | "events" | "clock" | "usersOf"> {
  readonly plugins: Pick<PluginRegistry, "get" | "speaking">;
}

/** What a crash cut off is finished or taken back. */
export async function openVolumes(deps: OpenVolumesDeps, dataRoot: string): Promise<Volumes> {
  const directory = join(dataRoot, "volumes");
  await makeDirectory(directory, 0o701);
  using undo = new DisposableStack();
  const database = openDatabase(join(directory, "metadata.db"), volumeSchema);
  undo.defer(() => database.close());
  const store = new VolumeStore(database);
  const lookUp = async (host: string): Promise<string> => (await lookup(host)).address;
  const local = new LocalDriver({ executor: deps.executor, lookUp, directory, store });
  const volumes = new Volumes({ ...deps, database, store, local, plugins: new PluginDrivers(deps.plugins) });
  await volumes.recover();
  undo.move();
  return volumes;
}
