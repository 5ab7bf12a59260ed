// An engine of the demo's own: own folders, own socket, own network and mount namespaces. When it is disposed nothing is left.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { ConnectionError } from "#client/api-error.ts";
import { parseEndpoint } from "#client/endpoint.ts";
import { connectEngine, type Engine } from "#client/engine.ts";
import { ExitError } from "../../grammar/errors.ts";

const run = promisify(execFile);

// Both are of util-linux, which Debian cannot be without.
const UNSHARE = "unshare";
const NSENTER = "nsenter";

const START_MS = 15_000;
const STOP_MS = 20_000;

export interface PrivateEngine extends AsyncDisposable {
  /** "unix:///run/gd-x/docker.sock". */
  readonly host: string;
  readonly engine: Engine;
  /** Runs a program in the engine's network namespace, gives it `input` and returns its output. */
  readonly runInNetwork: (words: readonly string[], input: string) => Promise<string>;
}

interface Folders {
  readonly data: string;
  /** Short, for a socket's path has room for 107 bytes and a container's id takes 64 of them. */
  readonly run: string;
}

interface Daemon {
  readonly child: ChildProcess;
  readonly log: string;
  readonly host: string;
  readonly ended: Promise<void>;
}

/** util-linux's unshare becomes the daemon, so the child's pid is the daemon's, and its namespaces end with it. */
function spawnDaemon(program: string, folders: Folders): Daemon {
  const host = `unix://${join(folders.run, "docker.sock")}`;
  const log = join(folders.data, "gantryd.log");
  const output = openSync(log, "a", 0o600);
  const options = ["--host", host, "--data-root", join(folders.data, "root"), "--exec-root", folders.run];
  const pidfile = ["--pidfile", join(folders.data, "gantryd.pid")];
  const words = ["--net", "--mount", "--", program, ...options, ...pidfile];
  const child = spawn(UNSHARE, words, { stdio: ["ignore", output, output], detached: true, cwd: "/" });
  closeSync(output);
  const ended = new Promise<void>((resolve) =>
    child.once("exit", () => resolve()).once("error", () => resolve()),
  );
  return { child, log, host, ended };
}

async function isUp(engine: Engine, signal: AbortSignal): Promise<boolean> {
  try {
    await engine.client.ping(signal);
    return true;
  } catch (error) {
    if (error instanceof ConnectionError) return false;
    throw error;
  }
}

async function failure(daemon: Daemon): Promise<ExitError> {
  const log = await readFile(daemon.log, "utf8").catch(() => "");
  const lines = log.trim().split("\n").slice(-5).join("\n");
  return new ExitError(1, `gantry demo: the engine did not start:\n${lines}`);
}

async function untilUp(daemon: Daemon, engine: Engine, signal: AbortSignal): Promise<void> {
  let running = true;
  daemon.ended.then(
    () => {
      running = false;
    },
    () => undefined,
  );
  const deadline = Date.now() + START_MS;
  while (!(await isUp(engine, signal))) {
    if (!running || Date.now() > deadline) throw await failure(daemon);
    await sleep(5, undefined, { signal });
  }
}

/** Asks the daemon to end and waits; a daemon that does not is killed. */
async function stopDaemon({ child, ended }: Daemon): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGTERM");
  const patience = new AbortController();
  const late = sleep(STOP_MS, undefined, { signal: patience.signal }).then(
    () => child.kill("SIGKILL"),
    () => false,
  );
  await ended;
  patience.abort();
  await late;
}

async function removeContainers(engine: Engine): Promise<void> {
  const signal = AbortSignal.timeout(STOP_MS);
  for (const { Id = "" } of await engine.containers.list({ all: true }, signal))
    await engine.containers.remove(Id, { force: true, v: true }, signal);
}

async function makeFolder(prefix: string, undo: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(prefix);
  undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return folder;
}

export async function startPrivateEngine(program: string, signal: AbortSignal): Promise<PrivateEngine> {
  if (process.getuid?.() !== 0)
    throw new ExitError(1, "gantry demo must run as root: it starts an engine of its own");
  await using undo = new AsyncDisposableStack();
  const folders = {
    data: await makeFolder(join(tmpdir(), "gantry-demo-"), undo),
    run: await makeFolder("/run/gd-", undo),
  };
  const daemon = spawnDaemon(program, folders);
  undo.defer(() => stopDaemon(daemon));
  const engine = connectEngine({ endpoint: parseEndpoint(daemon.host) });
  undo.use(engine);
  await untilUp(daemon, engine, signal);
  undo.defer(() => removeContainers(engine));
  const runInNetwork = async (words: readonly string[], input: string): Promise<string> => {
    const running = run(NSENTER, ["--target", String(daemon.child.pid), "--net", "--", ...words], { signal });
    running.child.stdin?.on("error", () => undefined); // it ended before it read: its exit tells why
    running.child.stdin?.end(input);
    return (await running).stdout;
  };
  const held = undo.move();
  return { host: daemon.host, engine, runInNetwork, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
