// The whole engine in a program's own process: import { createEngine } from "gantry".
//
// What it gives is the client's interface (gantry/client), connected to this engine; real Docker clients reach the same engine at
// `host`. Nothing is shared with a daemon or with other engines: data, sockets, bridge and rules are its own.

import { tmpdir } from "node:os";
import { invalid, unsupported } from "#base/errors.ts";
import { parseEndpoint } from "#client/endpoint.ts";
import { type Engine as ClientEngine, connectEngine } from "#client/engine.ts";
import type { RunOptions } from "#client/run-options.ts";
import { type RunningContainer, runContainer } from "#client/running-container.ts";
import { decodeDaemonSettings } from "#spec/daemon-config.ts";
import { parseDaemonFlags } from "#spec/daemon-flags.ts";
import type { DaemonSettings } from "#spec/daemon-settings.ts";
import { LiveSettings } from "./daemon/live-settings.ts";
import { type LogLevel, openLog } from "./daemon/log.ts";
import { claimPidfile, runningOwner } from "./daemon/pidfile.ts";
import { claimAbandoned, makePlaces, markTemporary, type Places, removePlaces } from "./embedded/places.ts";
import { type Engine, openEngine } from "./engine.ts";

export type { HealthCheck, RunOptions } from "#client/run-options.ts";
export type { Finished, RunningContainer } from "#client/running-container.ts";

export interface EngineOptions {
  /**
   * Images, containers and volumes stay here for the next engine; its containers are stopped, not removed, when the engine ends.
   * Default: a new temporary directory, and nothing is left.
   */
  readonly directory?: string;
  /** As daemon.json has it: { "insecure-registries": ["registry:5000"] }. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The engine's own log, a line each. Default: dropped. */
  readonly log?: (line: string) => void;
  /** Default: "warning". */
  readonly logLevel?: LogLevel;
}

export interface EmbeddedEngine extends ClientEngine, AsyncDisposable {
  /** What DOCKER_HOST would say: "unix:///run/gantry-0b1c2d3e/docker.sock". */
  readonly host: string;
  run(options: RunOptions, signal?: AbortSignal): Promise<RunningContainer>;
}

/**
 * Needs root, and a umask that lets others read. Rejects `invalid` for a configuration that the daemon would not take, and
 * `system` if another process has an engine in this directory. Temporary engines of programs that were killed are removed first.
 */
export async function createEngine(options: EngineOptions = {}): Promise<EmbeddedEngine> {
  if (process.getuid?.() !== 0) throw unsupported("createEngine without root");
  if ((process.umask() & 0o755) !== 0)
    throw invalid(`createEngine needs a umask such as 022, not ${process.umask().toString(8)}`);
  for (const places of claimAbandoned((path) => runningOwner(path) !== undefined)) {
    const abandoned = await open(places, options);
    await abandoned[Symbol.asyncDispose]();
  }
  return await open(makePlaces(options.directory, tmpdir()), options);
}

async function open(places: Places, options: EngineOptions): Promise<EmbeddedEngine> {
  await using undo = new AsyncDisposableStack();
  undo.defer(() => (places.temporary ? removePlaces(places) : undefined));
  undo.use(claimPidfile(places.pidfile, process.pid));
  if (places.temporary) markTemporary(places);
  const log = openLog({
    write: options.log ?? (() => undefined),
    now: () => new Date(),
    level: options.logLevel ?? "warning",
    format: "text",
  });
  const live = new LiveSettings(settingsOf(places, options));
  const client = await serve(undo.use(await openEngine(live, log)), places, undo);
  const held = undo.move();
  return {
    ...client,
    host: hostOf(places),
    run: (wanted, signal) => runContainer(client, wanted, signal),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const hostOf = ({ socket }: Places): string => `unix://${socket}`;

/** `undo` gets what ends before the engine does. */
async function serve(engine: Engine, places: Places, undo: AsyncDisposableStack): Promise<ClientEngine> {
  undo.defer(() => engine.removeNetworks());
  if (!places.temporary) undo.defer(() => engine.stopContainers());
  await engine.listen({ kind: "unix", path: places.socket, mode: 0o600 });
  const client = undo.use(connectEngine({ endpoint: parseEndpoint(hostOf(places)) }));
  if (places.temporary) undo.defer(() => removeContainers(client));
  return client;
}

/** Throws `invalid` in the daemon's words. */
function settingsOf(places: Places, { config = {} }: EngineOptions): DaemonSettings {
  const own = {
    "--data-root": places.data,
    "--exec-root": places.run,
    "--pidfile": places.pidfile,
    "--host": hostOf(places),
    ...(config.bridge !== "none" && { "--bridge": places.bridge }),
  };
  const file = { path: "createEngine's config", text: JSON.stringify(config) };
  return decodeDaemonSettings(parseDaemonFlags(Object.entries(own).flat()), file);
}

async function removeContainers(client: ClientEngine): Promise<void> {
  const { signal } = new AbortController();
  const all = await client.containers.list({ all: true }, signal);
  await Promise.all(all.map(({ Id = "" }) => client.containers.remove(Id, { force: true, v: true }, signal)));
}
