// A daemon's life:
//   pid file -> engine (restores what an earlier daemon left) -> sockets -> SIGTERM -> sockets closed -> containers stopped -> end
// SIGHUP on the way reads the configuration file again.

import { mkdirSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { hostname } from "node:os";
import { systemError } from "#base/errors.ts";
import type { DaemonSettings } from "#spec/daemon-settings.ts";
import { type Engine, openEngine } from "../engine.ts";
import { expandFds, findGroup, parseHost, refuseExposed, showAddress } from "./addresses.ts";
import { readSettings } from "./command-line.ts";
import { describeReload, LiveSettings } from "./live-settings.ts";
import type { Log } from "./log.ts";
import { watchEventLoop } from "./loop-watch.ts";
import { claimPidfile } from "./pidfile.ts";
import { withProxyEnvironment } from "./proxies.ts";
import { readTlsFiles } from "./tls.ts";

/** `args`: the command line that the settings are from. Resolves with the exit code when the daemon has been stopped. */
export async function runDaemon(
  args: readonly string[],
  settings: DaemonSettings,
  plainLog: Log,
): Promise<number> {
  if (process.getuid?.() !== 0) throw systemError("gantryd needs to be started with root privileges");
  process.umask(0o022);
  using watch = watchEventLoop((delay) => log.debug(`event loop blocked for ${delay} ms`));
  const setDebug = (on: boolean): void => {
    plainLog.setDebug(on);
    watch.enable(on);
  };
  const log: Log = { ...plainLog, setDebug };
  logStrayErrors(log);
  log.setDebug(settings.debug);
  mkdirSync(settings.dataRoot, { recursive: true, mode: 0o710 });
  mkdirSync(settings.execRoot, { recursive: true, mode: 0o711 });
  using _pidfile = claimPidfile(settings.pidfile, process.pid);
  const stopped = waitForStop(log);
  const live = new LiveSettings(withProxyEnvironment(settings, process.env));

  await using engine = await openEngine(live, log);
  process.on("SIGHUP", () => void reload(args, live, engine, log));
  await openSockets(settings, engine, log);
  if (settings.metricsAddress !== "") {
    const port = await engine.listenMetrics(parseHost(`tcp://${settings.metricsAddress}`, {}));
    log.info(`metrics API listening on ${settings.metricsAddress.replace(/:\d*$/, "")}:${port}`);
  }
  await engine.serveContainerd();
  log.info("Daemon has completed initialization");
  flushCompileCache(); // what is compiled by now: one that is killed leaves it to the next, too
  await stopped;
  engine.stopAccepting();
  await engine.stopContainers();
  log.info("Daemon shutdown complete");
  return 0;
}

async function openSockets(settings: DaemonSettings, engine: Engine, log: Log): Promise<void> {
  const files = readTlsFiles(settings.tls, process.env);
  const tls = files === undefined ? {} : { tls: files };
  const ownGroup = groupOf(settings.group);
  const insecure = settings.tls !== undefined && !settings.tls.verify;
  const hosts = [
    ...expandFds(settings.hosts, process.env, process.pid).map((host) => ({
      host,
      group: ownGroup,
      scope: undefined,
    })),
    ...settings.scopedHosts.map(({ host, group, scope }) => ({
      host,
      group: group === "" ? ownGroup : groupOf(group),
      scope,
    })),
  ];
  for (const { host, group, scope } of hosts) {
    const address = parseHost(host, { ...group, ...tls });
    await refuseExposed(address, insecure);
    if (address.kind === "tcp" && address.tls?.clientCa === undefined) log.warn(`${host}: ${exposed}`);
    const port = await engine.listen(address, scope);
    const shown = showAddress(address.kind === "tcp" ? { ...address, port } : address);
    log.info(scope === undefined ? `API listen on ${shown}` : `API (${scope.kind}) listens on ${shown}`);
  }
}

const exposed =
  "Binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has access to your network.";

function groupOf(name: string): { readonly gid?: number } {
  const gid = findGroup(name);
  return gid === undefined ? {} : { gid };
}

/** A file that is wrong changes nothing. */
async function reload(args: readonly string[], live: LiveSettings, engine: Engine, log: Log): Promise<void> {
  try {
    const { settings, fileKeys, path } = readSettings(args);
    log.info(`Got signal to reload configuration from ${path}`);
    await engine.useAuthorizationPlugins(settings.authorizationPlugins);
    const next = live.reload(settings, fileKeys);
    log.setDebug(next.debug);
    engine.reloaded(describeReload(next, hostname()));
    log.info("Reloaded configuration");
  } catch (error) {
    log.error(`Error reloading configuration: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Nothing that one request does wrong ends the daemon. */
function logStrayErrors(log: Log): void {
  process.stderr.on("error", () => undefined); // nobody reads the log any more: to log that would fail likewise, for ever
  process.on("unhandledRejection", (error) => log.error("Unhandled rejection", error));
  process.on("uncaughtException", (error) => log.error("Uncaught exception", error));
}

/** The third signal ends the process at once, as with dockerd. */
function waitForStop(log: Log): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.on(name, () => {
      log.info(`Processing signal '${name === "SIGTERM" ? "terminated" : "interrupt"}'`);
      count++;
      if (count === 3) process.exit(128 + (name === "SIGTERM" ? 15 : 2));
      resolve();
    });
  process.on("SIGUSR1", () => log.info("SIGUSR1: nothing to dump")); // otherwise Node opens a debugger
  return promise;
}
