// The plugins of the machine that speak an interface: found by name when they are first asked for, activated once.

import { isRecord } from "#base/decode.ts";
import { systemError } from "#base/errors.ts";
import { untilAborted } from "#base/until-aborted.ts";
import { PluginClient } from "./client.ts";
import { findPlugin, listPlugins, type PluginFolders } from "./discover.ts";

export interface PluginRegistryOptions {
  readonly folders: PluginFolders;
  /** Milliseconds for which one that does not listen when it is first asked for is tried again. */
  readonly retryMs: number;
}

interface ActivePlugin {
  readonly client: PluginClient;
  readonly interfaces: readonly string[];
}

/** Milliseconds for the handshake, as dockerd's. */
const ACTIVATION_MS = 30_000;

export class PluginRegistry {
  readonly #options: PluginRegistryOptions;
  readonly #active = new Map<string, Promise<ActivePlugin>>();
  /** Those whose handshake has taken too long for somebody, and still goes on. */
  readonly #overdue = new Set<string>();

  constructor(options: PluginRegistryOptions) {
    this.#options = options;
  }

  /** Rejects `notFound` in Docker's words if there is none, and if it does not speak the interface ("VolumeDriver"). */
  async get(name: string, wanted: string, signal: AbortSignal): Promise<PluginClient> {
    const { client, interfaces } = await untilAborted(this.#activate(name), signal);
    if (!interfaces.includes(wanted))
      throw systemError("legacy plugin: plugin does not implement the requested driver");
    return client;
  }

  /** Names of all that listen now and speak it. One that does not answer in time is left out, and not waited for a second time. */
  async speaking(wanted: string, signal: AbortSignal): Promise<readonly string[]> {
    const known = new Set([...listPlugins(this.#options.folders), ...this.#active.keys()]);
    const asked = [...known.difference(this.#overdue)].sort().map(async (name) => {
      try {
        const { interfaces } = await untilAborted(this.#activate(name), signal);
        return interfaces.includes(wanted) ? [name] : [];
      } catch {
        if (signal.aborted && this.#active.has(name)) this.#overdue.add(name);
        return []; // whoever asks for it by its name is told why
      }
    });
    return (await Promise.all(asked)).flat();
  }

  #activate(name: string): Promise<ActivePlugin> {
    const known = this.#active.get(name);
    if (known !== undefined) return known;
    const activation = activate(name, this.#options);
    this.#active.set(name, activation);
    activation.then(
      () => this.#overdue.delete(name),
      () => this.#active.delete(name) && this.#overdue.delete(name),
    );
    return activation;
  }
}

async function activate(name: string, { folders, retryMs }: PluginRegistryOptions): Promise<ActivePlugin> {
  const client = new PluginClient(findPlugin(name, folders));
  const answer = await client.call("Plugin.Activate", undefined, AbortSignal.timeout(ACTIVATION_MS), retryMs);
  const told = isRecord(answer) ? answer.Implements : undefined;
  if (!Array.isArray(told)) throw systemError(`plugin "${name}" does not tell what it implements`);
  return { client, interfaces: told.filter((word) => typeof word === "string") };
}
