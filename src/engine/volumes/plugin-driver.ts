// Volumes of a plugin of Docker's protocol: VolumeDriver.Create, Get, List, Path, Mount, Unmount, Remove, Capabilities.
//
// A plugin may hang, lie or die: each call has a deadline, answers are bounded and decoded, and a path is taken only if it is absolute.

import { isAbsolute } from "node:path";
import { array, type Decoded, DecodeError, object, record, string, unknown } from "#base/decode.ts";
import { systemError } from "#base/errors.ts";
import { type PluginClient, PluginRefusal, RETRY_MS } from "../plugins/client.ts";
import type { DriverVolume, VolumeDriver, VolumeScope } from "./driver.ts";

/** Milliseconds that a plugin has, as with dockerd: `long` to make or mount a volume, for which one that has
 *  ended is waited for, too. */
export interface PluginPatience {
  readonly short: number;
  readonly long: number;
}

export const pluginPatience: PluginPatience = { short: 60_000, long: 120_000 };

const decodeVolume = object(
  {},
  { Name: string, Mountpoint: string, CreatedAt: string, Status: record(unknown) },
);
const decodeAnswer = object(
  {},
  {
    Err: string,
    Mountpoint: string,
    Volume: decodeVolume,
    Volumes: array(decodeVolume),
    Capabilities: object({}, { Scope: string }),
  },
);
type Answer = Decoded<typeof decodeAnswer>;

export class PluginVolumeDriver implements VolumeDriver {
  readonly name: string;
  readonly #client: Pick<PluginClient, "call">;
  readonly #patience: PluginPatience;
  #scope: VolumeScope | undefined;

  constructor(name: string, client: Pick<PluginClient, "call">, patience = pluginPatience) {
    this.name = name;
    this.#client = client;
    this.#patience = patience;
  }

  /** One that tells no scope, or another one, is local. */
  async scope(signal: AbortSignal): Promise<VolumeScope> {
    this.#scope ??= await this.#call("Capabilities", {}, signal).then(
      ({ Capabilities }) => (Capabilities?.Scope?.toLowerCase() === "global" ? "global" : "local"),
      () => undefined,
    );
    return this.#scope ?? "local";
  }

  async create(name: string, options: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    await this.#call("Create", { Name: name, Opts: options }, signal, this.#patience.long);
  }

  /** Whatever a plugin says instead of a volume means that it has none, as with dockerd. */
  async get(name: string, signal: AbortSignal): Promise<DriverVolume | undefined> {
    try {
      const { Volume } = await this.#ask("Get", { Name: name }, signal, this.#patience.short);
      return Volume === undefined ? undefined : { ...describe(Volume), name };
    } catch (error) {
      if (error instanceof PluginRefusal) return undefined;
      throw error;
    }
  }

  async list(signal: AbortSignal): Promise<readonly DriverVolume[]> {
    const { Volumes = [] } = await this.#call("List", {}, signal);
    return Volumes.map(describe).filter(({ name }) => name !== "");
  }

  async remove(name: string): Promise<void> {
    await this.#call("Remove", { Name: name });
  }

  async mount(name: string, user: string): Promise<string> {
    const asked = { Name: name, ID: user };
    const { Mountpoint = "" } = await this.#call("Mount", asked, undefined, this.#patience.long);
    if (isAbsolute(Mountpoint) && !Mountpoint.includes("\0")) return Mountpoint;
    await this.#call("Unmount", asked);
    throw systemError(`VolumeDriver.Mount: plugin "${this.name}" tells no absolute path: "${Mountpoint}"`);
  }

  async unmount(name: string, user: string): Promise<void> {
    await this.#call("Unmount", { Name: name, ID: user });
  }

  /** Rejects with the plugin's own words, too. */
  async #call(
    verb: string,
    body: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    patience = this.#patience.short,
  ): Promise<Answer> {
    const answer = await this.#ask(verb, body, signal, patience);
    if (answer.Err !== undefined && answer.Err !== "") throw new PluginRefusal(answer.Err);
    return answer;
  }

  async #ask(
    verb: string,
    body: Readonly<Record<string, unknown>>,
    signal: AbortSignal | undefined,
    patience: number,
  ): Promise<Answer> {
    const method = `VolumeDriver.${verb}`;
    const deadline = AbortSignal.timeout(patience);
    const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    try {
      const retryMs = patience === this.#patience.long ? RETRY_MS : 0;
      return decodeAnswer(await this.#client.call(method, body, either, retryMs), "");
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw systemError(`${method}: plugin "${this.name}" answers what is not understood: ${error.message}`, {
        cause: error,
      });
    }
  }
}

const describe = ({
  Name = "",
  Mountpoint = "",
  CreatedAt = "",
  Status,
}: Decoded<typeof decodeVolume>): DriverVolume => ({
  name: Name,
  mountpoint: Mountpoint,
  createdAt: CreatedAt,
  ...(Status !== undefined && { status: Status }),
});
