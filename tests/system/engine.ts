// A gantryd of its own for a test: own data root, exec root, socket and network namespace, all gone when disposed.

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Background, must, type Result, type RunOptions, run, startBackground } from "./process.ts";

const project = join(import.meta.dirname, "../..");
export const gantrydPath = join(project, "bin/gantryd");
const containerdPath = join(project, "bin/gantry-containerd");

export interface Client {
  /** DOCKER_HOST value. */
  readonly host: string;
  readonly socket: string;
  readonly netns: string;
  /** The real docker client (the one on the PATH) against this daemon; throws on a non-zero exit. */
  docker(...args: readonly string[]): Promise<string>;
  /** Same, but the caller looks at the exit code. */
  tryDocker(args: readonly string[], options?: RunOptions & { readonly program?: string }): Promise<Result>;
}

export interface Engine extends Client, AsyncDisposable {
  readonly dir: string;
  readonly daemon: Background;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Starts the daemon again on the same roots. */
  restart(): Promise<void>;
  /** Stops the daemon with SIGTERM. */
  stop(): Promise<void>;
  /** Where containerd's API is served, by whichever process holds the layer. */
  readonly containerdSocket: string;
  /** With `containerd: "separate"`: SIGKILL of the layer's process, then `meanwhile`, and a new one on the same roots. */
  crashContainerd(meanwhile?: () => Promise<void>): Promise<void>;
}

/** The containerd layer in the daemon's own process, or in gantry-containerd's, reached through the gRPC proxies. */
export const containerdModes = ["own", "separate"] as const;
export type ContainerdMode = (typeof containerdModes)[number];

/** False in a guest whose kernel has no nf_tables: there is no bridge network then, containers have only loopback. */
export const hasBridge = process.env.GANTRY_TEST_NETWORK !== "none";

export interface EngineOptions {
  /** Merged into the configuration file. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly flags?: readonly string[];
  /** Of its directory; default: root's alone. */
  readonly mode?: number;
  /** Default "own". */
  readonly containerd?: ContainerdMode;
  /** Where the daemon, or containerd's process, finds programs; default: as this process. */
  readonly path?: string;
}

export const makeClient = (host: string, netns: string): Client => {
  const tryDocker: Client["tryDocker"] = (args, options = {}) =>
    run([options.program ?? "docker", ...args], {
      netns,
      ...options,
      env: { DOCKER_HOST: host, ...options.env },
    });
  return {
    host,
    netns,
    socket: host.replace("unix://", ""),
    tryDocker,
    docker: async (...args) => {
      const result = await tryDocker(args);
      if (result.code !== 0)
        throw new Error(`docker ${args.join(" ")}: ${result.code}\n${result.stdout}${result.stderr}`);
      return result.stdout.trimEnd();
    },
  };
};

/** A network namespace with loopback up. */
export async function makeNamespace(name: string): Promise<AsyncDisposable> {
  await must(["ip", "netns", "add", name]);
  await must(["ip", "link", "set", "lo", "up"], { netns: name });
  return {
    [Symbol.asyncDispose]: async () => {
      await must(["ip", "netns", "delete", name]);
    },
  };
}

interface ContainerdProcess {
  readonly socket: string;
  crash(meanwhile: () => Promise<void>): Promise<void>;
  end(): Promise<void>;
}

async function startContainerd(dir: string, options: RunOptions): Promise<ContainerdProcess> {
  const state = join(dir, "containerd-state");
  const socket = join(state, "containerd.sock");
  const command = [containerdPath, "--root", join(dir, "containerd"), "--state", state, "--address", socket];
  const launch = async (): Promise<Background> => {
    const started = startBackground(command, options);
    await started.line(/^serving/);
    return started;
  };
  let layer = await launch();
  return {
    socket,
    crash: async (meanwhile) => {
      await layer.signal("SIGKILL");
      await meanwhile();
      layer = await launch();
    },
    end: () => layer.end(),
  };
}

export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  await using undo = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "gantry-engine-"));
  undo.defer(() => rm(dir, { recursive: true, force: true }));
  if (options.mode !== undefined) await chmod(dir, options.mode);
  const netns = basename(dir);
  undo.use(await makeNamespace(netns));

  const host = `unix://${dir}/docker.sock`;
  const configFile = join(dir, "daemon.json");
  const config = {
    "data-root": `${dir}/root`,
    "exec-root": `${dir}/exec`,
    pidfile: `${dir}/gantryd.pid`,
    hosts: [host],
    ...(!hasBridge && { bridge: "none" }),
    ...options.config,
  };
  await writeFile(configFile, JSON.stringify(config));
  const surroundings = { netns, ...(options.path !== undefined && { env: { PATH: options.path } }) };
  const layer = options.containerd === "separate" ? await startContainerd(dir, surroundings) : undefined;
  undo.defer(() => layer?.end());
  const address = layer === undefined ? [] : ["--containerd", layer.socket];
  const command = [gantrydPath, "--config-file", configFile, ...address, ...(options.flags ?? [])];
  const launch = async (): Promise<Background> => {
    const daemon = startBackground(command, surroundings);
    await daemon.line(/API listen on/);
    return daemon;
  };

  let daemon = await launch();
  undo.defer(() => daemon.end());
  const cleanup = undo.move();
  return {
    ...makeClient(host, netns),
    dir,
    get daemon() {
      return daemon;
    },
    kill: () => daemon.signal("SIGKILL"),
    stop: () => daemon.signal("SIGTERM"),
    containerdSocket: layer?.socket ?? `${dir}/exec/containerd.sock`,
    crashContainerd: async (meanwhile = async () => {}) => {
      if (layer === undefined) throw new Error("containerd has no process of its own");
      await layer.crash(meanwhile);
    },
    restart: async () => {
      await daemon.signal("SIGTERM");
      daemon = await launch();
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}
