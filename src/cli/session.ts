// What every command works with: the streams, the environment, the user's settings and the engine it talks to.

import type { Readable, Writable } from "node:stream";
import { ConnectionError } from "#client/api-error.ts";
import { type Endpoint, parseEndpoint } from "#client/endpoint.ts";
import { connectEngine, type Engine } from "#client/engine.ts";
import type { ConnectionOptions } from "./connection.ts";
import { parseHeaders } from "./custom-headers.ts";
import type { OpenManifestRegistry } from "./manifests/manifest-registry.ts";
import { messageFor } from "./messages.ts";
import { readSettings, type Settings } from "./settings.ts";

export const DEFAULT_HOST = "unix:///run/gantry/docker.sock";

interface InputStream extends Readable {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Signals of this process, and of the terminal: "SIGWINCH". The disposable stops listening. */
export type ListenToSignal = (name: NodeJS.Signals, listener: () => void) => Disposable;

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly onSignal: ListenToSignal;
  /** Starts a daemon that answers at the default host, and resolves when it does; undefined where that cannot be. */
  readonly startDaemon: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** The daemon's program, for commands that run one of their own. */
  readonly daemonProgram: string;
  /** Registries without a daemon between. */
  readonly openManifestRegistry: OpenManifestRegistry;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface SessionConnection extends ConnectionOptions {
  /** Start a daemon if none answers and nobody named one. */
  readonly autostart: boolean;
  /** --debug, which `info` tells. */
  readonly debug: boolean;
}

/** Runs another command line of this program in its place; resolves to the exit code. */
export type RunWords = (words: readonly string[], signal: AbortSignal) => Promise<number>;

export class Session implements Disposable {
  readonly surroundings: Surroundings;
  readonly connection: SessionConnection;
  readonly runWords: RunWords;
  #engine: Engine | undefined;
  #settings: Settings | undefined;

  constructor(surroundings: Surroundings, connection: SessionConnection, runWords: RunWords) {
    this.runWords = runWords;
    this.surroundings = surroundings;
    this.connection = connection;
  }

  [Symbol.dispose](): void {
    this.#engine?.[Symbol.dispose]();
  }

  out(text: string): void {
    this.surroundings.stdout.write(text);
  }

  err(text: string): void {
    this.surroundings.stderr.write(text);
  }

  get settings(): Settings {
    this.#settings ??= readSettings(this.connection.configFolder);
    return this.#settings;
  }

  /** The engine, reached and its version known. Starts one where nobody named any. Rejects ConnectionError. */
  async engine(signal: AbortSignal): Promise<Engine> {
    if (this.#engine !== undefined) return this.#engine;
    const engine = this.#connect();
    try {
      await engine.client.version(signal);
    } catch (error) {
      const { findEndpoint, autostart } = this.connection;
      const start = autostart && findEndpoint() === undefined ? this.surroundings.startDaemon : undefined;
      if (!(error instanceof ConnectionError) || error.code === "EACCES" || start === undefined) throw error;
      await start(signal);
      await engine.client.version(signal);
    }
    this.#engine = engine;
    return engine;
  }

  /** Throws an Error in Docker's words if the context has none. */
  get endpoint(): Endpoint {
    try {
      return this.connection.findEndpoint() ?? parseEndpoint(DEFAULT_HOST);
    } catch (error) {
      throw new Error(`Failed to initialize: unable to resolve docker endpoint: ${messageFor(error)}`, {
        cause: error,
      });
    }
  }

  #connect(): Engine {
    const { DOCKER_API_VERSION: version, DOCKER_CUSTOM_HEADERS: custom = "" } = this.surroundings.env;
    return connectEngine({
      endpoint: this.endpoint,
      headers: custom === "" ? (this.settings.HttpHeaders ?? {}) : parseHeaders(custom),
      ...(version === undefined || version === "" ? {} : { version }),
    });
  }
}
